"""How small and how large an additive figure can become: the bounds of every budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.search.solve import _checks
from paretune.search.space import Choice, Space


@dataclass(frozen=True)
class Reach:
    """The ends of what an additive figure can be, exact.

    Attributes:
        low: least total, in the unit of the weights.
        least: an architecture of the least total, bool (m,).
        greatest: one of the greatest.
    """

    low: float
    least: Choice
    greatest: Choice


def reach(space: Space, weights: ArrayLike, *, base: float = 0.0) -> Reach:
    """The least and greatest total of additive weights over all architectures.

    An architecture is a path through the blocks from the first to the end, so both ends are
    shortest paths in an acyclic graph: linear in the number of options, and exact.

    Args:
        space: all architectures.
        weights: of each option, float (m,), such as its latency in ms.
        base: added to every total, in the unit of the weights.

    Raises:
        InputError: the weights do not fit the space.
    """
    scale = _checks.weights(space, weights, "weight")
    least, greatest = _shortest(space, scale), _shortest(space, -scale)
    return Reach(low=base + float(scale[least].sum()), least=least, greatest=greatest)


def _shortest(space: Space, scale: NDArray[np.float64]) -> Choice:
    """The architecture with the least total of `scale`, by Bellman's recursion from the end."""
    costs = np.append(np.full(space.blocks, np.inf), 0.0)
    taken = np.zeros(space.blocks, dtype=int)
    for block in reversed(range(space.blocks)):
        for place in space.starting[block]:
            cost = scale[place] + costs[space.options[place].last + 1]
            if cost < costs[block]:
                costs[block], taken[block] = cost, place
    choice, block = np.zeros(len(space.options), dtype=bool), 0
    while block < space.blocks:
        choice[taken[block]] = True
        block = space.options[taken[block]].last + 1
    return choice
