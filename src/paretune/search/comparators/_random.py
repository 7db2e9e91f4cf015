"""Random search: the comparator that every other has to beat.

Li & Talwalkar 2019, "Random Search and Reproducibility for Neural Architecture Search" (arXiv
1902.07638).
"""

from __future__ import annotations

import numpy as np

from paretune.search.comparators._oracle import Evaluation
from paretune.search.comparators._strategy import Strategy
from paretune.search.space import Choice, Space


class RandomSearch(Strategy):
    """Architectures drawn uniformly, all equally probable, none twice.

    Args:
        space: all architectures.
        random: where chance comes from.
    """

    def __init__(self, space: Space, *, random: np.random.Generator) -> None:
        self._space = space
        self._random = random
        self._told: set[bytes] = set()

    def ask(self) -> Choice:
        """A random architecture; one that is known only where the space seems exhausted."""
        drawn = self._space.sample(self._random, 1)[0]
        for _ in range(10):
            if drawn.tobytes() not in self._told:
                break
            drawn = self._space.sample(self._random, 1)[0]
        return np.asarray(drawn)

    def tell(self, choice: Choice, evaluation: Evaluation) -> None:
        """Remember that this one is known."""
        self._told.add(choice.tobytes())
