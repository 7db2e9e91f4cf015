"""Models whose outputs are large."""

from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import TensorSpec
from paretune.data import load_data
from paretune.pipeline import dense
from paretune.pipeline.dense import within_memory
from tests.pipeline.conftest import run
from tests.pipeline.tiny import write_digits, write_onnx


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load_data(write_digits(tmp_path_factory.mktemp("dense") / "digits.npz", 1000))


def model(*shape):
    return SimpleNamespace(outputs=(TensorSpec(name="y", shape=(None, *shape), dtype="float32"),))


@pytest.mark.parametrize(
    ("shape", "left"),
    [
        ((10,), 300),
        ((21, None, None), 300),
        ((20, 500, 500), 50),  # 20 MB
        ((200, 500, 500), 30),
    ],
)
def test_as_many_samples_are_judged_on_as_can_be_held(data, shape, left):
    cut, why = within_memory(data, model(*shape))
    assert [len(cut.splits[name]) for name in ("search", "holdout")] == [left, left]
    assert len(cut.splits["train"]) == len(data.splits["train"])
    assert set(cut.splits["search"]) <= set(data.splits["search"])
    labels = data.samples.labels
    assert set(labels[cut.splits["search"]]) == set(range(10))  # of all classes
    assert ("judged on fewer samples" in why) == (left < 300)
    if why:
        assert why.endswith(f"{left} of 300 and {left} of 300")


def test_a_run_says_that_samples_were_left_out(inputs, own_home, tmp_path, monkeypatch):
    monkeypatch.setattr(dense, "OUTPUT_BYTES", 40.0 * 50)
    found = run(
        write_onnx(tmp_path / "tiny.onnx"), str(inputs / "digits.npz"), tmp_path / "out",
        runtimes=("onnxruntime",), precisions=("f32",), threads=(1,), budget="60s",
    )  # fmt: skip
    assert (found.json["dataset"]["search"], found.json["dataset"]["holdout"]) == (50, 50)
    assert any("an output takes 4e-05 MB" in c["text"] for c in found.json["conditions"])
    assert np.isfinite(found.json["holdout"]["chosen"]["value"])
