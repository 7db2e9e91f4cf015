"""Inputs made up for a model where there is no data: right for speed, meaningless for accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import Model, TensorSpec
from paretune.data._memory import TensorSamples
from paretune.data.base import Dataset

SAMPLES = 32


def random_arrays(
    inputs: Sequence[TensorSpec], count: int, seed: int = 0
) -> dict[str, NDArray[Any]]:
    """Standard normal floats; integers 0 and 1, which every vocabulary has.

    Returns:
        By input, (count, ...) in its dtype, C-contiguous.
    """
    random = np.random.default_rng(seed)
    arrays = {}
    for spec in inputs:
        shape = (count, *spec.concrete(1)[1:])
        if np.issubdtype(np.dtype(spec.dtype), np.floating):
            arrays[spec.name] = random.standard_normal(shape).astype(spec.dtype)
        else:
            arrays[spec.name] = random.integers(0, 2, shape).astype(spec.dtype)
    return arrays


def random_inputs(model: Model, count: int = SAMPLES, seed: int = 0) -> Dataset:
    """A data set of made-up inputs without labels: all are `train` and `search`, none `holdout`."""
    every = np.arange(count)
    samples = TensorSamples(f"random inputs, seed {seed}", random_arrays(model.inputs, count, seed))
    return Dataset(samples, {"train": every, "search": every, "holdout": every[:0]})
