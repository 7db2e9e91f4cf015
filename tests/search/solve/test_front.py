"""Fronts over budgets, non-dominated points and the area they cover."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import Choice
from paretune.search.solve import apart, best, budgets, front, hypervolume, nondominated, reach

from .spaces import make, numbers, staircase


def test_a_front_is_optimal_at_every_budget_and_reaches_both_ends() -> None:
    space = make(8, 3)
    loss, latency = numbers(space, 0)
    found = front(space, loss=loss, latency=latency, points=12, base_latency=0.3)
    exact = staircase(space, loss, latency)
    totals = np.array([(choice @ latency, choice @ loss) for choice in found])
    assert totals[0, 0] == pytest.approx(reach(space, latency).low)
    assert totals[-1, 1] == pytest.approx(reach(space, loss).low)
    assert (np.diff(totals[:, 0]) > 0).all()
    for time, lost in totals:
        assert lost == pytest.approx(exact[exact[:, 0] <= time + 1e-9, 1].min(), abs=1e-9)


def test_budgets_are_in_equal_ratios_between_what_matters() -> None:
    space = make(6, 3)
    loss, latency = numbers(space, 1)
    aims = budgets(space, loss=loss, latency=latency, points=9, base_latency=0.5)
    assert np.allclose(aims[1:] / aims[:-1], aims[1] / aims[0])
    assert aims[0] == pytest.approx(0.5 + reach(space, latency).low)
    assert aims[-1] == pytest.approx(0.5 + reach(space, loss).least @ latency)


def test_budgets_stop_at_the_fastest_of_equally_good_architectures() -> None:
    space = make(6, 3)
    latency = numbers(space, 1)[1]
    aims = budgets(space, loss=np.zeros_like(latency), latency=latency, points=4)
    assert np.allclose(aims, reach(space, latency).low)


def test_diverse_solutions_are_the_best_that_differ_enough() -> None:
    space = make(6, 3)
    loss, latency = numbers(space, 2)
    found = front(space, loss=loss, latency=latency, points=4, diverse=3, distance=3)
    assert len({choice.tobytes() for choice in found}) == len(found) > 4
    budget = budgets(space, loss=loss, latency=latency, points=4)[2]
    here: list[Choice] = []
    while len(here) < 3:
        away = [apart(space, other, 3) for other in here]
        choice = best(space, loss=loss, latency=latency, budget=budget, cuts=away)
        assert choice is not None
        here.append(choice)
    assert {choice.tobytes() for choice in here} <= {choice.tobytes() for choice in found}


def test_a_front_of_nothing_to_time_is_refused() -> None:
    space = make(3, 1)
    loss, latency = numbers(space, 0)
    with pytest.raises(InputError, match="base_latency"):
        front(space, loss=loss, latency=-latency)
    with pytest.raises(InputError, match="at least 2"):
        front(space, loss=loss, latency=latency, points=1)


def test_nondominated_is_what_comparing_all_pairs_says() -> None:
    random = np.random.default_rng(0)
    for k in (2, 3):
        points = random.integers(0, 8, (80, k)).astype(float)
        slow = [not any((q <= p).all() and (q < p).any() for q in points) for p in points]
        assert nondominated(points).tolist() == slow
    assert nondominated(np.zeros((3, 2))).all()


def test_hypervolume_is_the_share_of_a_fine_grid() -> None:
    points = np.array([[0.2, 0.9], [0.5, 0.4], [0.5, 0.3], [0.7, 0.35], [1.4, 0.0], [0.9, 0.1]])
    axis = (np.arange(1000) + 0.5) / 1000
    x, y = np.meshgrid(axis, axis)
    covered = np.zeros_like(x, dtype=bool)
    for a, b in points:
        covered |= (x >= a) & (y >= b)
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(covered.mean(), abs=1e-9)
    assert hypervolume(points[:0], (1.0, 1.0)) == 0.0
    with pytest.raises(InputError, match=r"\(n, 2\)"):
        hypervolume(np.zeros((3, 3)), (1.0, 1.0))
