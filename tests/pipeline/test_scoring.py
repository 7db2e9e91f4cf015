"""Outputs of PyTorch without a compiler: several samples a call where that changes nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from paretune import runtimes
from paretune.core import TensorSpec
from paretune.data import load_data, materialise
from paretune.engine import LocalEngine
from paretune.pipeline import scoring
from paretune.pipeline.context import Context
from paretune.pipeline.request import Request
from paretune.sources import load_model
from tests.pipeline import nets

IMAGE = TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32")


class Watched:
    """A process of which is known how many samples each call had."""

    def __init__(self, host, seen):
        self._host, self._seen = host, seen

    def __enter__(self):
        self._host.__enter__()
        return self

    def __exit__(self, *raised):
        return self._host.__exit__(*raised)

    def call(self, method, arrays, begin, most, at_once=1):
        self._seen.append(at_once)
        return self._host.call(method, arrays, begin, most, at_once)


@pytest.fixture
def scored(inputs, tmp_path, monkeypatch):
    """A module's outputs on 90 digits, the digits, and the samples of each call."""

    def go(module):
        model = load_model(module, input_shape=(IMAGE,))
        data = load_data(str(inputs / "unlabelled.npz"))
        arrays = materialise(data, "search", model, tmp_path / "arrays")
        folder = tmp_path / "program"
        folder.mkdir()
        program = runtimes.get("torch-eager").prepare(model, "f32", folder)
        seen = []
        monkeypatch.setattr(Context, "open", lambda self, *a: Watched(opened(self, *a), seen))
        nothing = dict.fromkeys(
            ("dataset", "target", "store", "builds", "progress", "metric", "deadline")
        )
        request = Request(model="module", data="digits", threads=(1,))
        context = Context(
            request=request, model=model, engine=LocalEngine(), search=arrays, **nothing
        )
        context.target = SimpleNamespace(usable_cores=1, physical_cores=1)
        found = scoring._run(context, program, arrays)
        images = torch.from_numpy(np.array(arrays.feeds(0, arrays.n)["image"]))
        return found, images, seen

    opened = Context.open
    return go


def test_samples_are_answered_together_as_they_are_alone(scored):
    found, images, seen = scored(nets.digits())
    assert max(seen[2:]) == scoring.AT_ONCE
    with torch.inference_mode():
        alone = torch.cat([nets.digits()(one[None]) for one in images])
    assert np.allclose(found, alone, atol=1e-5)
    assert len(images) % scoring.AT_ONCE  # the last call has fewer
    assert found.dtype == np.float32


@pytest.mark.parametrize("module", [nets.Centred, nets.Refusing, nets.Dying])
def test_samples_are_answered_alone_where_company_matters(scored, module):
    found, images, seen = scored(module())
    assert scoring.AT_ONCE in seen
    assert seen[-1] == 1
    alone = torch.cat([module()(one[None]) for one in images])
    assert np.allclose(found, alone, atol=1e-5)
