"""Linear conditions beside the budget: a second resource, or a distance from known solutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.space import Choice, Space


@dataclass(frozen=True)
class Cut:
    """A condition that an architecture x must hold: `weights @ x <= bound`.

    Attributes:
        weights: of each option, float (m,); in any unit.
        bound: the most that the weights of the chosen options may add up to, same unit.
    """

    weights: NDArray[np.float64]
    bound: float

    def holds(self, choice: Choice) -> NDArray[np.bool_]:
        """Whether architectures, bool (n, m) or (m,), hold it.

        A billionth of the bound, or of the largest weight, counts as the rounding of a sum.
        """
        slack = 1e-9 * max(float(np.abs(self.weights).max()), abs(self.bound))
        return np.asarray(choice @ self.weights <= self.bound + slack)


def apart(space: Space, choice: Choice, blocks: int = 1) -> Cut:
    """At least this many blocks must become something else than they are in `choice`.

    Each option of `choice` that another architecture shares is worth the blocks it covers, so
    the blocks that both treat alike are a linear function of the other: a Hamming-distance cut
    (Fischetti & Lodi 2003, "Local branching", section 2). With 1 it forbids `choice` alone.

    Args:
        space: all architectures.
        choice: the architecture to stay away from, bool (m,).
        blocks: how many blocks have to differ.
    """
    shared = np.where(choice, space.covers.sum(axis=0), 0).astype(float)
    return Cut(shared, float(space.blocks - blocks))
