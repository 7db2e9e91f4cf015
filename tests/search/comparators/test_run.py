"""The loop that spends a budget, and the cache behind it."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import Choice
from paretune.search.comparators import Cached, RandomSearch, Strategy, run

from .oracles import Counting, make


class Stubborn(Strategy):
    """Asks for the same few architectures again and again."""

    def __init__(self, choices: Choice) -> None:
        self.choices, self.asked, self.told = choices, 0, []

    def ask(self) -> Choice:
        self.asked += 1
        return self.choices[self.asked % len(self.choices)]

    def tell(self, choice, evaluation) -> None:
        self.told.append(evaluation)


def test_a_budget_is_never_exceeded_and_every_trial_says_what_was_spent() -> None:
    space = make(5, 3)
    oracle = Counting(space)
    trials = run(RandomSearch(space, random=np.random.default_rng(0)), oracle, budget=40.0)
    costs = [trial.evaluation.cost for trial in trials]
    assert np.allclose([trial.spent for trial in trials], np.cumsum(costs))
    assert 40.0 - max(costs) - 3 < trials[-1].spent <= 40.0
    assert len({trial.choice.tobytes() for trial in trials}) == len(trials)


def test_what_is_known_costs_nothing_but_is_told_again() -> None:
    space = make(5, 3)
    oracle = Counting(space)
    stubborn = Stubborn(space.sample(np.random.default_rng(1), 3))
    trials = run(stubborn, oracle, budget=1e9)
    assert oracle.asked == len(trials) == 3
    assert len(stubborn.told) > 1000
    assert {told.cost for told in stubborn.told[3:]} == {0.0}
    assert stubborn.told[4].accuracy == stubborn.told[1].accuracy


def test_a_search_ends_when_it_has_enough() -> None:
    space = make(5, 3)
    trials = run(
        RandomSearch(space, random=np.random.default_rng(0)),
        Counting(space),
        budget=1e9,
        until=lambda trial: trial.spent > 10,
    )
    assert [trial.spent > 10 for trial in trials] == [False] * (len(trials) - 1) + [True]


def test_a_cache_asks_once() -> None:
    space = make(4, 2)
    oracle = Counting(space)
    cached = Cached(oracle)
    first, again = (cached.evaluate(space.baseline()) for _ in range(2))
    assert oracle.asked == 1
    assert first.cost > 0 == again.cost
    assert (first.accuracy, first.latency_ms) == (again.accuracy, again.latency_ms)


def test_a_search_without_a_budget_is_refused() -> None:
    space = make(3, 1)
    with pytest.raises(InputError, match="budget"):
        run(RandomSearch(space, random=np.random.default_rng(0)), Counting(space), budget=0.0)
