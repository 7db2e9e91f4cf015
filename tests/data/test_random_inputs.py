"""Made-up inputs."""

from __future__ import annotations

import numpy as np

from paretune.core import TensorSpec
from paretune.data import random_arrays, random_inputs
from tests.runtimes import models

INPUTS = (
    TensorSpec(name="ids", shape=(None, 6), dtype="int64"),
    TensorSpec(name="x", shape=(None, 3, 8, 8), dtype="float32"),
)


def test_every_input_has_its_shape_and_type_and_the_seed_decides() -> None:
    one, same, other = (random_arrays(INPUTS, 50, seed) for seed in (1, 1, 2))
    assert {name: (array.shape, str(array.dtype)) for name, array in one.items()} == {
        "ids": ((50, 6), "int64"),
        "x": ((50, 3, 8, 8), "float32"),
    }
    assert set(np.unique(one["ids"])) == {0, 1}
    assert abs(float(one["x"].mean())) < 0.05
    assert abs(float(one["x"].std()) - 1) < 0.05
    assert np.array_equal(one["x"], same["x"])
    assert not np.array_equal(one["x"], other["x"])


def test_all_of_them_calibrate_and_none_is_held_out() -> None:
    found = random_inputs(models.conv_model(), count=5)
    assert {name: len(rows) for name, rows in found.splits.items()} == {
        "train": 5,
        "search": 5,
        "holdout": 0,
    }
    assert found.samples.labels is None
