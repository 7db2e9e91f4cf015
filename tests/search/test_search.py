"""What a search says of a bound on latency before it spends its time."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import InputError, SearchPoint, SearchSummary, Silent
from paretune.search import search
from paretune.search.ledger import Ledger
from paretune.search.prepare import Timed
from tests.search.test_ends import BASELINE, LATENCY, SPACE, Oracle

MODULE = sys.modules["paretune.search.search"]
BASELINE_MS = 2.0


class GoesOnError(Exception):
    """The search begins to spend its time."""


def goes_on(*_args):
    raise GoesOnError


@pytest.fixture
def ground(tmp_path, monkeypatch):
    """A machine on which no network takes less than 0.4 ms, where 0.1 ms is predicted."""

    @contextmanager
    def oracle_of(*_args):
        yield Oracle()

    timed = Timed((BASELINE,), LATENCY, np.ones(len(SPACE.options)), BASELINE_MS)
    proposals = SimpleNamespace(space=SPACE, blocks=range(SPACE.blocks))
    monkeypatch.setattr(MODULE, "propose", lambda *_: proposals)
    monkeypatch.setattr(MODULE, "oracle_of", oracle_of)
    monkeypatch.setattr(MODULE, "time_space", lambda *_: timed)
    monkeypatch.setattr(MODULE, "pass_seconds", lambda *_: 1.0)
    monkeypatch.setattr(MODULE, "prepare", goes_on)
    return SimpleNamespace(
        model=None,
        train=None,
        search=SimpleNamespace(n=1000),
        progress=Silent(),
        ledger=Ledger(),
        checkpoints=tmp_path,
    )


def test_a_bound_that_the_predicted_fastest_misses_as_timed_is_out_of_reach(ground):
    ground.most_ms = 0.3
    found = search(ground, seconds=100.0)
    assert found.finalists == ()
    assert found.reason == (
        "the fastest architecture in reach takes 0.4 ms, and 0.3 ms are allowed: "
        "nothing is searched"
    )


@pytest.mark.parametrize("most_ms", [0.5, float("inf")])
def test_any_other_bound_is_searched_for(ground, most_ms):
    ground.most_ms = most_ms
    with pytest.raises(GoesOnError):
        search(ground, seconds=100.0)


def test_what_a_killed_process_spent_is_not_spent_again(ground, tmp_path, monkeypatch):
    left = []
    wall = iter([0.0, 60.0])
    first = Ledger(tmp_path / "ledger.json", wall=lambda: next(wall, 60.0))
    with first.stage("library"):
        pass
    ground.ledger = Ledger(tmp_path / "ledger.json")
    ground.most_ms, ground.least_speed, ground.seed = float("inf"), 2.5, 0
    known = SimpleNamespace(
        space=SPACE, latency=LATENCY, surrogate=None, network=None, judged=0, ranked=None,
        library=SimpleNamespace(entries={}), untrained=((), ()),
    )  # fmt: skip
    monkeypatch.setattr(MODULE, "prepare", lambda *_: known)

    def pick(*args, least, **_options):
        left.append((args[5], least))
        return []

    monkeypatch.setattr(MODULE, "pick", pick)
    found = search(ground, seconds=100.0)
    assert left == [(pytest.approx(40.0, abs=5.0), 2.5)]
    assert found.reason == "no architecture is both predicted and timed to be 1.2x as fast"


def test_a_resumed_search_has_the_time_that_it_was_begun_with(ground, monkeypatch):
    left = []
    ground.most_ms, ground.least_speed, ground.seed = float("inf"), 1.0, 0
    with pytest.raises(GoesOnError):
        search(ground, seconds=100.0)
    known = SimpleNamespace(
        space=SPACE, latency=LATENCY, surrogate=None, network=None, judged=0, ranked=None,
        library=SimpleNamespace(entries={}), untrained=((), ()),
    )  # fmt: skip
    monkeypatch.setattr(MODULE, "prepare", lambda *_: known)
    monkeypatch.setattr(MODULE, "pick", lambda *args, **_: left.append(args[5]) or [])
    search(ground, seconds=10.0)
    assert left == [pytest.approx(100.0, abs=5.0)]


def test_a_search_without_time_is_refused_and_decides_nothing(ground, tmp_path):
    with pytest.raises(InputError, match="30 s are left for the search"):
        search(ground, seconds=30.0)
    assert list(tmp_path.iterdir()) == []


def test_networks_that_could_not_be_trained_are_told_with_their_reasons():
    point = SearchPoint(
        architecture="s1", predicted_speed=2.0, predicted_loss=0.1, loss_ci90=(0.0, 0.2),
        reason="it diverged",
    )  # fmt: skip
    counts = dict.fromkeys(SearchSummary.model_fields, 0)
    summary = SearchSummary(
        **counts | {"points": (point, point), "judged_by": "accuracy", "ranked": None}
    )
    assert MODULE._nothing(summary) == "none of 2 architectures could be trained: it diverged"
