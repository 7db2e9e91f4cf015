"""NSGA-II over the space, for objectives that are not additive or more than two.

The algorithm is that of Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm:
NSGA-II", as pymoo has it; what makes children is the space's own, so that every child is an
architecture. It starts from known solutions, such as those of the integer programme.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, MissingPackageError
from paretune.search.solve._pareto import nondominated
from paretune.search.space import Choice, Space

Objectives = Callable[[Choice], NDArray[np.float64]]

#: Share of children that have two parents; the others descend from one. Each is mutated once. This
#: and 40 survivors reached the most of nas_bench_macro's front for both 300 and 1000 evaluations.
_CROSSED = 0.5
#: How many children may be stillborn for one that is new before a space counts as exhausted.
_PATIENCE = 50


def refine(
    space: Space,
    *,
    objectives: Objectives,
    seeds: Choice | Sequence[Choice],
    evaluations: int,
    random: np.random.Generator,
    population: int = 40,
) -> Choice:
    """Architectures that none found beats on every objective.

    No architecture is evaluated twice, and all that were evaluated are judged at the end, not
    only the last generation. The same seeds and the same state of `random` give the same result.

    Args:
        space: all architectures.
        objectives: maps architectures, bool (n, m), to values, float (n, k), k at least 2; lower
            is better in all.
        seeds: where to start, bool (s, m); may be empty.
        evaluations: how many architectures are evaluated, those of the seeds included.
        random: where chance comes from.
        population: how many survive a generation.

    Returns:
        The front found, bool (n, m), ordered by the first objective.

    Raises:
        InputError: a seed is no architecture of the space, or an objective is not finite.
        MissingPackageError: pymoo is not installed.
    """
    nsga2 = _need("pymoo.algorithms.moo.nsga2")
    nursery = _Nursery(space, random)
    first = nursery.first(_stacked(space, seeds)[:evaluations], min(population, evaluations))
    found, values = np.zeros((0, len(space.options)), dtype=bool), np.zeros((0, 0))
    algorithm = nsga2.NSGA2(
        pop_size=population, sampling=first, mating=nursery, eliminate_duplicates=False
    )
    problem = _need("pymoo.core.problem").Problem(n_var=len(space.options), n_obj=2)
    endless = _need("pymoo.core.termination").NoTermination()
    algorithm.setup(problem, termination=endless, seed=int(random.integers(2**31)))
    while len(found) < evaluations:
        born = algorithm.ask()
        if born is None:  # the space is exhausted
            break
        born = born[: evaluations - len(found)]
        choices = born.get("X").astype(bool)
        scores = _values(objectives, choices)
        found = np.concatenate([found, choices])
        values = np.concatenate([values.reshape(-1, scores.shape[1]), scores])
        _tell(algorithm, problem, born, scores)
    front = np.flatnonzero(nondominated(values))
    return np.asarray(found[front[np.lexsort(values[front].T[::-1])]])


class _Nursery:
    """Makes children that were never born before; pymoo asks it for every generation.

    It stands where pymoo expects a mating and answers to the same call.
    """

    def __init__(self, space: Space, random: np.random.Generator) -> None:
        self.space = space
        self.random = random
        self.born: set[bytes] = set()

    def first(self, seeds: Choice, size: int) -> Choice:
        """The first generation: the seeds, and random architectures up to a size."""
        kept = [seed for seed in seeds if self._fresh(seed)]
        for _ in range(_PATIENCE * size):
            if len(kept) >= size:
                break
            drawn = self.space.sample(self.random, 1)[0]
            if self._fresh(drawn):
                kept.append(drawn)
        return np.array(kept, dtype=bool).reshape(-1, len(self.space.options))

    def do(self, problem: Any, pop: Any, n_offsprings: int, *, algorithm: Any, **_: Any) -> Any:
        """The next generation, as a pymoo population without values."""
        nsga2 = _need("pymoo.algorithms.moo.nsga2")
        tournament = nsga2.TournamentSelection(func_comp=nsga2.binary_tournament)
        children: list[Choice] = []
        for _attempt in range(_PATIENCE):
            pairs = tournament.do(
                problem,
                pop,
                n_offsprings,
                2,
                to_pop=False,
                algorithm=algorithm,
                random_state=algorithm.random_state,
            )
            for left, right in pairs:
                child = self._child(pop[left].X, pop[right].X)
                if len(children) < n_offsprings and self._fresh(child):
                    children.append(child)
            if len(children) == n_offsprings:
                break
        population = _need("pymoo.core.population").Population
        rows = np.array(children, dtype=bool).reshape(-1, len(self.space.options))
        return population.new("X", rows)

    def _child(self, left: Choice, right: Choice) -> Choice:
        child = left
        if self.random.random() < _CROSSED:
            child = self.space.cross(left, right, self.random)
        return self.space.mutate(child, self.random)

    def _fresh(self, choice: Choice) -> bool:
        """Whether it was never born; from now on it was."""
        key = choice.tobytes()
        if key in self.born:
            return False
        self.born.add(key)
        return True


def _tell(algorithm: Any, problem: Any, born: Any, scores: NDArray[np.float64]) -> None:
    """Hand values to pymoo."""
    problem.n_obj = scores.shape[1]
    static = _need("pymoo.problems.static").StaticProblem(problem, F=scores)
    _need("pymoo.core.evaluator").Evaluator().eval(static, born)
    algorithm.tell(infills=born)


def _values(objectives: Objectives, choices: Choice) -> NDArray[np.float64]:
    scores = np.asarray(objectives(choices), dtype=np.float64)
    if scores.ndim != 2 or len(scores) != len(choices) or scores.shape[1] < 2:
        raise InputError(
            f"objectives gave shape {scores.shape} for {len(choices)} architectures: give "
            "(n, k) values with k at least 2"
        )
    if not np.isfinite(scores).all():
        raise InputError("an objective is not finite: give a large value for what cannot be used")
    return scores


def _stacked(space: Space, seeds: Choice | Sequence[Choice]) -> Choice:
    """The seeds as bool (s, m)."""
    stacked = np.asarray(seeds, dtype=bool).reshape(-1, len(space.options))
    if not all(space.valid(seed) for seed in stacked):
        raise InputError("a seed does not cover every block exactly once")
    return stacked


def _need(module: str) -> ModuleType:
    """A module of pymoo, imported where it is used."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "the genetic search needs the package pymoo, which is not installed: "
            "pip install 'paretune[search]'"
        ) from error
