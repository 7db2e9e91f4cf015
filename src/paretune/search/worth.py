"""Which options are worth training: faster than what they replace, and good for their speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretune.search.space import KEEP, Space

#: An option must save this share of what it replaces; less is within the latency model's error.
SAVING = 0.03


def faster(space: Space, weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which options take less time than keeping the blocks that they cover, bool (m,).

    Options that keep a block are among them.

    Args:
        space: the architectures.
        weights: time of every option, any unit, (m,).
    """
    kept = np.array([weights[row[0]] for row in space.starting])
    return np.array(
        [
            option.operator == KEEP
            or weights[place] < (1 - SAVING) * kept[option.first : option.last + 1].sum()
            for place, option in enumerate(space.options)
        ]
    )


def promising(
    space: Space,
    weights: NDArray[np.float64],
    loss: NDArray[np.float64],
    among: NDArray[np.bool_],
    most: int,
) -> NDArray[np.bool_]:
    """The options that could be in a best architecture, at most `most` beside those that keep.

    For every run of blocks its options are peeled front by front: first those that no other beats
    in both time and loss, then those that only the first beat, and so on. Fronts are taken in that
    order over all runs, within a front the least loss for the time saved first.

    Args:
        space: the architectures.
        weights: time of every option, (m,).
        loss: of every option put in alone, untrained, (m,); infinite or NaN where it failed.
        among: options to choose from, bool (m,).
        most: how many.
    """
    kept = np.array([weights[row[0]] for row in space.starting])
    spans: dict[tuple[int, int], list[int]] = {}
    for place, option in enumerate(space.options):
        if among[place] and option.operator != KEEP and np.isfinite(loss[place]):
            spans.setdefault((option.first, option.last), []).append(place)
    ranked: list[tuple[int, float, int]] = []
    for (first, last), places in spans.items():
        left, depth = list(places), 0
        while left:
            front = [p for p in left if not _beaten(p, left, weights, loss)]
            for place in front:
                saved = kept[first : last + 1].sum() - weights[place]
                ranked.append((depth, loss[place] / max(saved, 1e-9), place))
            left = [p for p in left if p not in front]
            depth += 1
    chosen = np.array([option.operator == KEEP for option in space.options])
    for _, _, place in sorted(ranked)[:most]:
        chosen[place] = True
    return chosen


def _beaten(
    place: int, others: list[int], weights: NDArray[np.float64], loss: NDArray[np.float64]
) -> bool:
    """Whether another is no worse in both and better in one."""
    return any(
        weights[o] <= weights[place]
        and loss[o] <= loss[place]
        and (weights[o] < weights[place] or loss[o] < loss[place])
        for o in others
    )
