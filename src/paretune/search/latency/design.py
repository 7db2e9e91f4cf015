"""Which networks to measure: few, so that every different piece is seen in several of them."""

from __future__ import annotations

import numpy as np

from paretune.search.space import Choice, Space

#: Random networks among which each next one is picked.
POOL = 64


def design(space: Space, n: int, random: np.random.Generator) -> Choice:
    """Networks that between them hold every different piece as evenly as they can, bool (k, m).

    No two are the same, and none is the baseline, so that k is less than n where a space has fewer.

    Greedy: each next network is the one among random ones whose pieces have been seen least, by the
    sum of 1 / (1 + times seen) over its different pieces; random ones lean towards such pieces too.

    Args:
        space: the architectures.
        n: how many.
        random: where chance comes from.
    """
    kinds = signatures(space)
    seen = np.zeros(kinds.max() + 1)
    picked: list[Choice] = []
    known = {space.baseline().tobytes()}
    for _ in range(n):
        worth = 1.0 / (1.0 + seen) ** 2
        pool = space.sample(random, POOL, worth[kinds])
        pool = pool[[choice.tobytes() not in known for choice in pool]]
        if not len(pool):
            break
        scores = [worth[np.unique(kinds[choice])].sum() for choice in pool]
        picked.append(pool[int(np.argmax(scores))])
        known.add(picked[-1].tobytes())
        np.add.at(seen, np.unique(kinds[picked[-1]]), 1)
    return np.array(picked, dtype=bool).reshape(-1, len(space.options))


def signatures(space: Space) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of the different piece that each option is, int64 (m,)."""
    known: dict[str, int] = {}
    return np.array(
        [known.setdefault(option.signature or option.id, len(known)) for option in space.options]
    )
