"""How the time of a search is shared out."""

from types import SimpleNamespace

import numpy as np
import pytest

from paretune.data import Dataset, materialise
from paretune.data._memory import TensorSamples
from paretune.search import shares
from paretune.search.shares import LARGEST, pass_seconds, planned
from paretune.sources import load_model
from tests.search.finish.test_distil import folder


def test_what_the_finish_does_not_need_goes_to_the_rest():
    assert planned(100.0, epoch=10.0) == 100.0  # it could use more than it has
    assert planned(100.0, epoch=0.3) == pytest.approx((100 - 45) / 0.35)
    assert planned(100.0, epoch=0.001) == LARGEST * 100.0


def test_a_pass_takes_as_long_as_there_are_samples(tmp_path, monkeypatch):
    model = load_model("digits-resnet@random")
    images = np.random.default_rng(0).random((600, 1, 8, 8), dtype=np.float32)
    data = Dataset(TensorSamples("noise", {"image": images}, None), {"train": np.arange(600)})
    arrays = materialise(data, "train", model, tmp_path)
    # 64 samples take .05 s to pass forward, 1.9 s where something else had the machine.
    ticks = iter((0.0, 1.9, 2.0, 2.05, 3.0, 3.08, 9.0))
    monkeypatch.setattr(shares, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert pass_seconds(model, arrays) == pytest.approx(0.05 * 600 / 64)
    assert next(ticks) == 9.0  # two seconds are enough


def test_no_more_passes_are_timed_than_tell_something(tmp_path):
    calls = []
    arrays = folder(tmp_path, {"image": np.zeros((3, 1, 8, 8), dtype=np.float32)})
    assert pass_seconds(SimpleNamespace(module=calls.append), arrays) < 1
    assert len(calls) == 1 + shares.TIMED


def test_large_images_are_passed_forward_one_by_one(tmp_path):
    seen = []
    images = np.zeros((3, 3, 600, 600), dtype=np.float32)
    arrays = folder(tmp_path, {"image": images})
    model = SimpleNamespace(module=lambda image: seen.append(len(image)))
    assert pass_seconds(model, arrays) > 0
    assert set(seen) == {1}
