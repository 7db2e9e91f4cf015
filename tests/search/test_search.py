"""What a search says of a bound on latency before it spends its time."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import Silent
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
    monkeypatch.setattr(MODULE, "epoch_seconds", lambda *_: 1.0)
    monkeypatch.setattr(MODULE, "prepare", goes_on)
    return SimpleNamespace(
        model=None, train=None, progress=Silent(), ledger=Ledger(), checkpoints=tmp_path
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
