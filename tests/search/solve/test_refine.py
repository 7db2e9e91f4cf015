"""NSGA-II over the space."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from paretune.core import InputError, MissingPackageError
from paretune.search import Choice
from paretune.search.solve import front, hypervolume, nondominated, refine

from .spaces import every, make, numbers

pytest.importorskip("pymoo")


class Counted:
    """Three objectives, the first not additive; remembers what it was asked."""

    def __init__(self, space, seed: int) -> None:
        self.loss, self.latency = numbers(space, seed)
        self.asked: list[bytes] = []

    def __call__(self, choices: Choice) -> np.ndarray:
        self.asked += [choice.tobytes() for choice in choices]
        lost = choices @ self.loss
        return np.column_stack([lost + 0.1 * lost**2, choices @ self.latency, choices.sum(axis=1)])


def run(space, objectives, evaluations: int = 400, seed: int = 0, **more) -> Choice:
    random = np.random.default_rng(seed)
    return refine(
        space,
        objectives=objectives,
        seeds=more.pop("seeds", []),
        evaluations=evaluations,
        random=random,
        **more,
    )


def test_a_small_space_is_exhausted_and_its_front_found() -> None:
    space, told = make(4, 2), Counted(make(4, 2), 0)
    found = run(space, told, evaluations=10_000)
    choices = every(space)
    assert len(told.asked) == len(set(told.asked)) == space.count() == len(choices)
    values = Counted(space, 0)(choices)
    assert {c.tobytes() for c in found} == {c.tobytes() for c in choices[nondominated(values)]}


def test_evaluations_are_spent_on_new_architectures_only() -> None:
    space = make(10, 4)
    told = Counted(space, 0)
    found = run(space, told, evaluations=333)
    assert len(told.asked) == len(set(told.asked)) == 333
    assert all(space.valid(choice) for choice in found)
    values = told(found)
    assert nondominated(values).all()
    assert (np.diff(values[:, 0]) >= 0).all()


def test_seeds_are_never_lost_and_help() -> None:
    space = make(12, 6)
    told = Counted(space, 1)
    seeds = front(space, loss=told.loss, latency=told.latency, points=10)
    corner = told(np.array(seeds))[:, :2].max(axis=0)

    def area(found: Choice) -> float:
        return hypervolume(told(found)[:, :2], corner)

    seeded, bare = run(space, told, seeds=seeds), run(space, told)
    assert area(seeded) >= area(np.array(seeds))
    assert area(seeded) > area(bare)


def test_the_same_random_state_gives_the_same_front() -> None:
    space = make(8, 4)
    once, again = (run(space, Counted(space, 2), seed=5) for _ in range(2))
    assert (once == again).all()
    other = run(space, Counted(space, 2), seed=6)
    assert once.shape != other.shape or (once != other).any()


@pytest.mark.reference
def test_most_of_the_true_front_of_nas_bench_macro_is_found(macro) -> None:
    loss = np.linalg.lstsq(macro.choices.astype(float), macro.points[:, 0], rcond=None)[0]
    seeds = front(macro.space, loss=loss, latency=macro.latency)
    random = np.random.default_rng(0)
    found = refine(
        macro.space,
        objectives=lambda choices: macro.points[macro.rows(choices)],
        seeds=seeds,
        evaluations=1000,
        random=random,
    )
    true = macro.choices[nondominated(macro.points)]
    hits = {c.tobytes() for c in true} & {c.tobytes() for c in found}
    assert len(hits) >= 0.75 * len(true)
    corner = macro.points.max(axis=0)
    whole = hypervolume(macro.points, corner)
    assert hypervolume(macro.points[macro.rows(found)], corner) >= 0.998 * whole


def test_bad_seeds_and_bad_objectives_are_refused() -> None:
    space = make(3, 1)
    with pytest.raises(InputError, match="seed"):
        run(space, Counted(space, 0), seeds=[np.zeros(len(space.options), dtype=bool)])
    with pytest.raises(InputError, match="finite"):
        run(space, lambda choices: np.full((len(choices), 2), np.nan))
    with pytest.raises(InputError, match="k at least 2"):
        run(space, lambda choices: np.zeros(len(choices)))


def test_without_pymoo_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymoo.algorithms.moo.nsga2", None)
    with pytest.raises(MissingPackageError, match=r"paretune\[search\]"):
        run(make(3, 1), Counted(make(3, 1), 0))
