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
    *,
    evenly: bool = False,
) -> list[str]:
    """Ids of the options that replace something, those first that could be in a best architecture.

    For every run of blocks its options are peeled front by front: first those that no other beats
    in both time and loss, then those that only the first beat, and so on. Fronts are taken in that
    order over all runs, within a front the least loss for the time saved first.

    Args:
        space: the architectures.
        weights: time of every option, (m,).
        loss: of every option put in alone, untrained, (m,); infinite or NaN where it failed.
        among: options to choose from, bool (m,).
        evenly: every run's first, then every run's second, and so on, whatever their fronts: for
            a `loss` that does not tell one run from another.
    """
    kept = np.array([weights[row[0]] for row in space.starting])
    spans: dict[tuple[int, int], list[int]] = {}
    for place, option in enumerate(space.options):
        if among[place] and option.operator != KEEP and np.isfinite(loss[place]):
            spans.setdefault((option.first, option.last), []).append(place)
    ranked: list[tuple[int, float, int]] = []
    for (first, last), places in spans.items():
        left, depth = list(places), 0
        own: list[tuple[int, float, int]] = []
        while left:
            front = [p for p in left if not _beaten(p, left, weights, loss)]
            for place in front:
                saved = kept[first : last + 1].sum() - weights[place]
                own.append((depth, loss[place] / max(saved, 1e-9), place))
            left = [p for p in left if p not in front]
            depth += 1
        if evenly:
            own = [(turn, ratio, p) for turn, (_, ratio, p) in enumerate(sorted(own))]
        ranked += own
    return [space.options[place].id for _, _, place in sorted(ranked)]


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
