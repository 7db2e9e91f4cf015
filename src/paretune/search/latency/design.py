"""Which networks to measure: few, so that every different piece is seen in several of them."""

from __future__ import annotations

import numpy as np

from paretune.search.space import Choice, Space

#: Random networks among which each next one is picked.
POOL = 64


def design(space: Space, n: int, random: np.random.Generator) -> Choice:
    """Networks that between them hold every different piece as evenly as they can, bool (n, m).

    Greedy: each next network is the one among random ones whose pieces have been seen least, by the
    sum of 1 / (1 + times seen) over its different pieces; random ones lean towards such pieces too.

    Args:
        space: the architectures.
        n: how many.
        random: where chance comes from.
    """
    kinds = signatures(space)
    seen = np.zeros(kinds.max() + 1)
    picked = np.zeros((n, len(space.options)), dtype=bool)
    for row in range(n):
        worth = 1.0 / (1.0 + seen) ** 2
        pool = space.sample(random, POOL, worth[kinds])
        scores = [worth[np.unique(kinds[choice])].sum() for choice in pool]
        picked[row] = pool[int(np.argmax(scores))]
        np.add.at(seen, np.unique(kinds[picked[row]]), 1)
    return picked


def signatures(space: Space) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of the different piece that each option is, int64 (m,)."""
    known: dict[str, int] = {}
    return np.array(
        [known.setdefault(option.signature or option.id, len(known)) for option in space.options]
    )
