"""A finalist that int8 costs too much is trained in simulated int8, in a whole run."""

import numpy as np
import pytest

import paretune.search
from paretune.core import SearchSummary
from paretune.data import load_data
from paretune.pipeline import finalists, optimize, request
from paretune.pipeline.demo import trained
from paretune.search import Finalist, Found
from paretune.sources import load_model
from tests.pipeline.conftest import Run, Told
from tests.search.finish.test_quantisation_aware import stretched


@pytest.fixture(scope="module")
def digits_model():
    return load_model(f"digits-resnet@{trained(load_data('digits', seed=0), seed=0, told=Told())}")


def run(model, out, monkeypatch, **limits):
    """A run whose search finds at once the same network with channels that int8 cannot tell."""

    def search(ground, *, seconds):
        found = Finalist("s1", stretched(model.module, 400.0), ("b0:keep",), 1.5)
        counts = dict.fromkeys(SearchSummary.model_fields, 0) | {"points": ()}
        return Found((found,), SearchSummary(**counts), None)

    monkeypatch.setattr(paretune.search, "search", search)
    monkeypatch.setattr(request, "LEAST_SEARCH", 60.0)
    for name, value in limits.items():
        monkeypatch.setattr(finalists, name, value)
    told = Told()
    result = optimize(
        model, "digits", out=out, effort="search", runtimes=("openvino",),
        precisions=("f32", "int8"), threads=(1,), budget="90s", progress=told,
    )  # fmt: skip
    return Run(out, result, told)


def drop_of(found):
    variants = found.variants(architecture="digits-resnet+s1")
    scored = [variant["accuracy"] for variant in variants if variant["accuracy"]]
    return min(score["drop"]["value"] for score in scored)


@pytest.mark.slow
def test_it_wins_back_what_int8_cost(digits_model, tmp_path, monkeypatch):
    mended = run(digits_model, tmp_path / "mended", monkeypatch, MENDING=0.3)
    assert any("trained in simulated int8" in note for note in mended.told.notes)
    assert mended.result.ledger.stages_flops["quantisation-aware"] > 0
    left = run(digits_model, tmp_path / "left", monkeypatch, LEAST_MENDING=np.inf)
    assert any("give a larger --budget" in note for note in left.told.notes)
    assert "quantisation-aware" not in left.result.ledger.stages_flops
    assert drop_of(left) > 0.1
    assert drop_of(mended) < 0.5 * drop_of(left)
