"""A finalist that int8 costs too much is trained in simulated int8, in a whole run."""

import re
from types import SimpleNamespace

import pytest

import paretune.search
from paretune.core import Score, SearchSummary, parse_constraint
from paretune.data import load_data
from paretune.pipeline import finalists, optimize, request
from paretune.pipeline.demo import trained
from paretune.search import KEEP, Finalist, Found, propose
from paretune.sources import load_model
from tests.pipeline.conftest import Run, Told
from tests.search.finish.test_quantisation_aware import stretched

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def digits_model():
    return load_model(f"digits-resnet@{trained(load_data('digits', seed=0), seed=0, told=Told())}")


def drops_of(found):
    variants = found.variants(architecture="digits-resnet+s1")
    scored = [variant["accuracy"] for variant in variants if variant["accuracy"]]
    return [score["drop"]["value"] for score in scored]


@pytest.mark.slow
def test_it_wins_back_what_int8_cost(digits_model, tmp_path, monkeypatch):
    def search(ground, *, seconds):
        """Finds at once the same network with channels that int8 cannot tell apart."""
        proposals = propose(ground.model, ground.train)
        kept = tuple(o.id for o in proposals.space.options if o.operator == KEEP)
        found = Finalist("s1", stretched(digits_model.module, 400.0), kept, 1.5)
        counts = dict.fromkeys(SearchSummary.model_fields, 0) | {"points": ()}
        return Found((found,), SearchSummary(**counts), proposals)

    monkeypatch.setattr(paretune.search, "search", search)
    monkeypatch.setattr(request, "LEAST_SEARCH", 60.0)
    monkeypatch.setattr(finalists, "MENDING", 0.3)
    # How much a budget buys is the machine's affair.
    for budget in ("90s", "180s", "360s"):
        told, out = Told(), tmp_path / budget
        result = optimize(
            digits_model, "digits", out=out, effort="search", runtimes=("openvino",),
            precisions=("f32", "int8"), threads=(1,), budget=budget, progress=told,
        )  # fmt: skip
        notes = [re.match(r"int8 cost .+\+s1 ([\d.]+) pt: trained", note) for note in told.notes]
        if costs := [float(note[1]) / 100 for note in notes if note]:
            break
    (cost,), drops = costs, drops_of(Run(out, result, told))
    assert cost > 0.1
    assert min(drops) < 0.5 * cost
    assert result.ledger.stages_flops["quantisation-aware"] > 0


def test_where_no_time_is_left_it_says_so(digits_model, monkeypatch):
    said = []
    whole = Score(split="search", value=0.95, ci95=(0.93, 0.97), n=500)
    monkeypatch.setattr(finalists, "judged", lambda *_: whole)
    context = SimpleNamespace(tell=lambda kind, text: said.append((kind, text)))
    found = SimpleNamespace(baseline=SimpleNamespace(score=whole), baseline_outputs=None)
    best = SimpleNamespace(score=whole.model_copy(update={"value": 0.85}))
    guard = (parse_constraint("accuracy >= baseline - 0.5 pt"),)
    rest = (None, digits_model, guard, best, pytest.fail, 1.0)
    assert finalists._mended(context, found, *rest) is None
    ((kind, text),) = said
    assert kind == "budget"
    assert "costs digits-resnet" in text
    assert "10.0 pt" in text
