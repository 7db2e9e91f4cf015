"""How small and how large an additive figure can become: the bounds of every budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError
from paretune.search.solve import _checks
from paretune.search.space import Choice, Space


@dataclass(frozen=True)
class Reach:
    """The ends of what an additive figure can be, exact.

    Attributes:
        low: least total, in the unit of the weights.
        high: greatest total.
        least: an architecture of the least total, bool (m,).
        greatest: one of the greatest.
    """

    low: float
    high: float
    least: Choice
    greatest: Choice

    def shortfall(self, budget: float, unit: str = "ms") -> str | None:
        """Why no architecture meets a budget, in one sentence; None where one does."""
        if self.low <= budget + 1e-9 * abs(budget):
            return None
        return (
            f"no architecture of this space meets {budget:.4g} {unit}: "
            f"the least that it reaches is {self.low:.4g} {unit}"
        )


def reach(
    space: Space, weights: ArrayLike, *, base: float = 0.0, exclude: ArrayLike | None = None
) -> Reach:
    """The least and greatest total of additive weights over all architectures.

    An architecture is a path through the blocks from the first to the end, so both ends are
    shortest paths in an acyclic graph: linear in the number of options, and exact.

    Args:
        space: all architectures.
        weights: of each option, float (m,), such as its latency in ms.
        base: added to every total, in the unit of the weights.
        exclude: options that must not be used, bool (m,).

    Raises:
        InputError: the weights do not fit the space, or nothing covers some block.
    """
    banned = _checks.banned(space, exclude)
    scale = _checks.weights(space, weights, "weight", banned)
    least, greatest = _shortest(space, scale, banned), _shortest(space, -scale, banned)
    return Reach(
        low=base + float(scale[least].sum()),
        high=base + float(scale[greatest].sum()),
        least=least,
        greatest=greatest,
    )


def _shortest(space: Space, scale: NDArray[np.float64], banned: NDArray[np.bool_]) -> Choice:
    """The architecture with the least total of `scale`, by Bellman's recursion from the end."""
    costs = np.append(np.full(space.blocks, np.inf), 0.0)
    taken = np.zeros(space.blocks, dtype=int)
    for block in reversed(range(space.blocks)):
        for place in space.starting[block]:
            cost = scale[place] + costs[space.options[place].last + 1]
            if not banned[place] and cost < costs[block]:
                costs[block], taken[block] = cost, place
    if not np.isfinite(costs[0]):
        raise InputError("the options that are left cannot cover every block: exclude fewer")
    choice, block = np.zeros(len(space.options), dtype=bool), 0
    while block < space.blocks:
        choice[taken[block]] = True
        block = space.options[taken[block]].last + 1
    return choice
