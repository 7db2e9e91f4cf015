"""Regularised evolution: tournaments in a population whose oldest member dies.

Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search" (arXiv
1802.01548), algorithm 1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from paretune.core import InputError
from paretune.search.comparators._oracle import Evaluation
from paretune.search.comparators._reward import reward
from paretune.search.comparators._strategy import Strategy
from paretune.search.space import Choice, Space


class RegularisedEvolution(Strategy):
    """Ageing evolution, with a fitness that knows latency.

    The paper seeks accuracy alone. Here the fitness is MnasNet's reward, and each tournament draws
    its exponent, so that one population serves the whole front.

    Args:
        space: all architectures.
        target_ms: latency aimed at, ms.
        random: where chance comes from.
        population: how many are alive; the first ones are random.
        sample: how many take part in a tournament.
        exponents: of the reward, at least one.

    Raises:
        InputError: no exponent, or a tournament of none or of more than are alive.
    """

    def __init__(
        self,
        space: Space,
        *,
        target_ms: float,
        random: np.random.Generator,
        population: int = 25,
        sample: int = 15,
        exponents: Sequence[float] = (-0.07,),
    ) -> None:
        if not exponents or not 1 <= sample <= population:
            raise InputError(
                f"evolution needs an exponent and 1 <= sample <= population, got {len(exponents)} "
                f"exponents, sample={sample}, population={population}"
            )
        self._space = space
        self._target = target_ms
        self._exponents = tuple(exponents)
        self._random = random
        self._sample = sample
        self._size = population
        self._alive: deque[tuple[Choice, Evaluation]] = deque(maxlen=population)

    def ask(self) -> Choice:
        """A random architecture until the population is full, then a mutated winner."""
        if len(self._alive) < self._size:
            return np.asarray(self._space.sample(self._random, 1)[0])
        picks = self._random.choice(len(self._alive), self._sample, replace=False)
        exponent = float(self._random.choice(self._exponents))
        entrants = [self._alive[place] for place in picks]
        winner = max(entrants, key=lambda one: reward(one[1], self._target, exponent))[0]
        return self._space.mutate(winner, self._random)

    def tell(self, choice: Choice, evaluation: Evaluation) -> None:
        """Add the child; the oldest dies."""
        self._alive.append((choice.copy(), evaluation))
