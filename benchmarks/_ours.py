"""Paretune's own search as a strategy: anchors, then rounds of surrogate and solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from paretune.search import Choice, Space
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.comparators import Evaluation, Strategy
from paretune.search.solve import front, hypervolume, nondominated, refine

Floats = NDArray[np.float64]


class Fitted:
    """The surrogate of `paretune.search.accuracy`, fitted to what was evaluated so far.

    Args:
        space: all architectures.
        choices: those evaluated, bool (n, m).
        errors: theirs, in points, (n,).
        costs: multiply-adds of each option, float (m,).
        swap_one, untrained: what is known without training a network whole, if anything.
    """

    def __init__(
        self,
        space: Space,
        choices: Choice,
        errors: Floats,
        *,
        costs: Floats,
        swap_one: Floats | None = None,
        untrained: tuple[Choice, Floats] | None = None,
    ) -> None:
        self._model = AccuracySurrogate.fit(
            space, swap_one=swap_one, untrained=untrained, anchors=(choices, errors), costs=costs
        )

    def predict(self, choices: Choice) -> tuple[Floats, Floats]:
        """Mean and optimistic end, float (n,) each."""
        found = self._model.predict(choices)
        return found.mean, found.low

    def linear(self) -> Floats:
        """Additive weights of the options, float (m,)."""
        return self._model.linear()


class Surrogate(Protocol):
    """What the search needs of a surrogate of the error, in points, lower is better."""

    def predict(self, choices: Choice) -> tuple[Floats, Floats]:
        """Mean and optimistic end, float (n,) each."""
        ...

    def linear(self) -> Floats:
        """Additive weights of the options, float (m,)."""
        ...


class Ours(Strategy):
    """Anchors of a design, then rounds: fit, solve, refine, and evaluate what promises the most.

    Args:
        space: all architectures.
        latency: of each option, float (m,), ms.
        anchors: the first architectures, bool (n, m).
        fit: a surrogate of the error from architectures, bool (n, m), and errors, float (n,).
        corner: worst error and latency that count.
        random: where chance comes from.
        batch: how many are evaluated between two fits.
        evaluations: of the surrogate by NSGA-II in one round.
        hope: how much of the interval below the mean counts, 0 to 1.
    """

    def __init__(
        self,
        space: Space,
        *,
        latency: Floats,
        anchors: Choice,
        fit: Callable[[Choice, Floats], Surrogate],
        corner: tuple[float, float],
        random: np.random.Generator,
        batch: int = 8,
        evaluations: int = 600,
        hope: float = 0.5,
    ) -> None:
        self._space, self._latency, self._fit, self._corner = space, latency, fit, corner
        self._random, self._batch = random, batch
        self._evaluations, self._hope = evaluations, hope
        self._queue = list(anchors)
        self._known: dict[bytes, tuple[float, float]] = {}
        self._asked: list[Choice] = []

    def ask(self) -> Choice:
        """The next anchor, or the next of a round."""
        if not self._queue:
            self._queue = self._round()
        return self._queue.pop(0)

    def tell(self, choice: Choice, evaluation: Evaluation) -> None:
        """Remember error and latency."""
        if choice.tobytes() not in self._known:
            self._asked.append(choice.copy())
        point = (100 * (1 - evaluation.accuracy), evaluation.latency_ms)
        self._known[choice.tobytes()] = point

    def _round(self) -> list[Choice]:
        errors = np.array([self._known[choice.tobytes()][0] for choice in self._asked])
        surrogate = self._fit(np.array(self._asked), errors)
        seeds = front(self._space, loss=surrogate.linear(), latency=self._latency)
        asked = {choice.tobytes() for choice in self._asked}
        met: dict[bytes, tuple[Choice, Floats]] = {}

        def points(choices: Choice) -> Floats:
            mean, low = surrogate.predict(choices)
            errors = mean + self._hope * (low - mean)
            found = np.column_stack([errors, choices @ self._latency])
            for row, choice in enumerate(choices):
                if choice.tobytes() in asked:
                    found[row] = self._known[choice.tobytes()]
                else:
                    met[choice.tobytes()] = (choice, found[row])
            return found

        refine(
            self._space,
            objectives=points,
            seeds=[*seeds, *self._asked],
            evaluations=self._evaluations + len(self._asked),
            random=self._random,
        )
        return self._most_promising(list(met.values()))

    def _most_promising(self, met: list[tuple[Choice, Floats]]) -> list[Choice]:
        """Those that add most to the area, one after the other, each taken at its prediction."""
        taken = list(self._known.values())
        picked: list[Choice] = []
        while met and len(picked) < self._batch:
            # What another candidate dominates cannot add more than that one.
            able = np.flatnonzero(nondominated([point for _, point in met]))
            gains = [hypervolume([*taken, met[place][1]], self._corner) for place in able]
            choice, point = met.pop(int(able[np.argmax(gains)]))
            picked.append(choice)
            taken.append((float(point[0]), float(point[1])))
        return picked
