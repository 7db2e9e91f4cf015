"""Random architectures that are spread over what a search chooses from, fast and slow alike.

Where a network has many blocks, architectures drawn by their options alone are all alike: the sum
over the blocks is close to its mean, and the fastest, which a search is after, are never drawn. So
the weights are tilted, from what loses least to what is fastest, and of all that is drawn those
are taken whose times lie evenly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretune.search.latency import LatencyModel
from paretune.search.solve import reach
from paretune.search.space import Choice, Space

Floats = NDArray[np.float64]

#: Tilts: how much a saved part of the baseline's time weighs, in nats; and what a whole network's
#: may come to, so that e to its power stays a float.
TILTS, MOST_TILTED = (0.0, *(2.0**i for i in range(10))), 600.0
#: How strongly draws lean to what loses little: at random among the good, and nearly the best.
LEANINGS = (1.0, 4.0)
#: Draws with one tilt and one leaning, at least.
LEAST_DRAWN = 100


def evenly(
    space: Space, n: int, swap: Floats, latency: LatencyModel, random: np.random.Generator
) -> Choice:
    """Different architectures whose predicted times lie evenly on a logarithmic scale, bool (k, m).

    Their order is random, so that the first of them lie evenly, too.

    Args:
        space: the architectures.
        n: how many; k is less where the space has fewer.
        swap: divergence with each option alone put in, nats, (m,).
        latency: predicts times relative to the baseline's.
        random: where chance comes from.
    """
    from scipy.optimize import linear_sum_assignment

    worth = leaning(swap)
    kept = latency.weights[[row[0] for row in space.starting]]
    saved = kept @ space.covers - latency.weights
    whole = max(float(kept.sum()) - reach(space, latency.weights).low, 1e-6)
    drawn = [
        space.sample(random, max(n, LEAST_DRAWN), worth**lean * np.exp(tilt * saved))
        for lean in LEANINGS
        for tilt in np.minimum(TILTS, MOST_TILTED / whole)
    ]
    pool = np.unique(np.concatenate(drawn), axis=0)
    times = np.log(latency.predict(pool))
    wanted = np.linspace(times.min(), times.max(), min(n, len(pool)))
    taken, _ = linear_sum_assignment(np.abs(times[:, None] - wanted))
    return pool[random.permutation(taken)]


def leaning(swap: Floats) -> Floats:
    """Weights to draw architectures by, (m,): those that lose little will be chosen from."""
    middle = float(np.median(swap[swap > 0])) if (swap > 0).any() else 1
    return np.maximum(np.exp(-swap / max(middle, 1e-9)), 1e-3)
