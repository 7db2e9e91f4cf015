"""What is built, and what even where the budget is spent."""

from types import SimpleNamespace

import pytest

from paretune.core import Score
from paretune.pipeline import candidates
from paretune.pipeline.candidates import SEARCHED, Candidates, build_others
from tests.pipeline.conftest import Told

SCORE = Score(split="search", value=0.95, ci95=(0.93, 0.97), n=500)
PAIRS = [("openvino", "f32"), SEARCHED, ("onnxruntime", "int8")]


@pytest.mark.parametrize(
    ("effort", "left", "built"),
    [
        ("search", 9.0, PAIRS),
        ("search", 0.0, [SEARCHED]),
        ("quantize", 9.0, PAIRS),
        ("quantize", 0.0, []),
    ],
)
def test_a_search_builds_what_its_networks_run_in_whatever_the_budget(
    monkeypatch, effort, left, built
):
    limits = {}

    def build_and_run(context, name, precision, recipe, *, timeout):
        limits[name, precision] = timeout
        return SimpleNamespace(), {}, None

    monkeypatch.setattr(candidates, "build_and_run", build_and_run)
    monkeypatch.setattr(candidates, "score_on", lambda *_: SCORE)
    context = SimpleNamespace(
        request=SimpleNamespace(effort=effort),
        shares=SimpleNamespace(screened=0.5),
        left=lambda _share: left,
        progress=Told(),
        search=None,
        threads=2,
        variant_of=lambda *_: SimpleNamespace(id="v"),
    )
    monkeypatch.setattr(candidates.VariantRecord, "of", lambda _v, status, why: (status, why))
    found = Candidates(SimpleNamespace(score=SCORE), None)
    made = list(build_others(context, found, (), pairs=PAIRS))
    assert list(limits) == built
    assert [one.must for one in made] == [effort == "search" and p == SEARCHED for p in built]
    # Whoever must be built is not cut short by a budget that is nearly spent.
    assert all((limits[p] is None) == one.must for p, one in zip(built, made, strict=True))
    ended = ("failed", "the budget ended before it was tried")
    assert found.failed == [ended] * (len(PAIRS) - len(built))
