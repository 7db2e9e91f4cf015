"""The additive part of a surrogate that is not additive, for the integer programme."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from paretune.search.space import KEEP, Choice, Space

Floats = NDArray[np.float64]

#: Architectures that the part is fitted to: at least as many, and as many an option.
_SAMPLES, _SAMPLES_PER_OPTION = 1024, 3
#: How much likelier than another option keeping a block is, from sample to sample: a large space
#: drawn evenly holds only networks with every block changed, while those looked for have few.
_TILTS = (1.0, 3.0, 10.0, 30.0)


def additive_part(
    space: Space,
    scale: Callable[[Choice], Floats],
    mean: Callable[[Choice], Floats],
    seen: Sequence[Choice],
    *,
    seed: int,
) -> Floats:
    """Weight of each option, float64 (m,), 0 where a block is kept.

    Least squares on the scale where losses add up best keeps the order of architectures; one factor
    brings the weights into the unit of the mean, fitted over the better half of the architectures,
    because the curve between the two is steeper where much is lost.

    Args:
        space: the architectures.
        scale: prediction (n,) of architectures where losses add up best.
        mean: prediction (n,) of architectures in their unit.
        seen: architectures that were measured, which count as samples too.
        seed: of the samples.
    """
    random = np.random.default_rng(seed)
    kept = np.array([option.operator == KEEP for option in space.options])
    each = -(-max(_SAMPLES, _SAMPLES_PER_OPTION * len(kept)) // len(_TILTS))
    drawn = [space.sample(random, each, np.where(kept, tilt, 1.0)) for tilt in _TILTS]
    rows = np.unique(np.concatenate([*drawn, *seen]), axis=0)
    free = rows[:, ~kept].astype(float)
    table = np.column_stack([free, np.ones(len(rows))])
    found = np.linalg.lstsq(table, scale(rows), rcond=None)[0][:-1]
    sums, means = free @ found, mean(rows)
    better = means <= np.median(means)
    x, y = sums[better] - sums[better].mean(), means[better] - means[better].mean()
    weights = np.zeros(len(kept))
    # Where the better half does not differ there is nothing to scale by.
    weights[~kept] = found * (float(x @ y / (x @ x)) if x @ x > 0 else 1.0)
    return weights
