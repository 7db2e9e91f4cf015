"""What an architecture is worth, now and after training: speed, if it will be good enough."""

from __future__ import annotations

import math

import numpy as np

from paretune.core import Ci95, Estimate

#: What is lacking to the teacher shrinks as this power of the training time, and by how much that
#: differs between architectures: the standard deviation of its logarithm for e times the time.
LEARNING, SPREAD = 0.35, 0.3
#: Points that the average over that difference is taken at.
POINTS = 41


def worth(speed: float, margin: float, spread: float) -> tuple[float, float]:
    """Logarithm of the speed to expect, log(speed) x P(good enough), and that probability.

    The logarithm of the product is given: it tells apart what is worth next to nothing.

    Args:
        speed: the baseline's latency over the architecture's.
        margin: by how much its score exceeds what is asked for.
        spread: standard deviation of `margin`.
    """
    from scipy.stats import norm

    enough = norm.logcdf(margin / max(spread, 1e-9)) if margin < math.inf else 0.0
    return float(enough + _logarithm(speed)), float(math.exp(enough))


def deviation(ci95: Ci95) -> float:
    """Standard deviation of what has that interval."""
    from scipy.stats import norm

    return float((ci95[1] - ci95[0]) / (2 * norm.ppf(0.975)))


def prospect(speed: float, score: float, growth: float, *, own: Estimate, least: float) -> float:
    """What an architecture will be worth after the whole of its training, see `worth`.

    What it will lack in the end is log-normal about its extrapolation: never less than nothing,
    or the fastest of all, which lack most, would be given the best chance to lack nothing. The
    score is uncertain by its samples besides.

    Args:
        speed: the baseline's latency over the architecture's.
        score: after the training so far, higher is better.
        growth: the whole training's time over that so far, at least 1.
        own: the baseline's score with its interval.
        least: score that is asked for at the end.
    """
    from scipy.special import logsumexp
    from scipy.stats import norm

    if not math.isfinite(score):
        return -math.inf
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    lacking = max(own.value - score, 0.0)
    left = lacking * np.exp((SPREAD * points - LEARNING) * math.log(growth))
    margin = score + lacking - left - least
    enough = norm.logcdf(margin / max(deviation(own.ci95), 1e-9))
    return float(logsumexp(enough, b=weights / weights.sum()) + _logarithm(speed))


def _logarithm(speed: float) -> float:
    """Logarithm of the logarithm of a speed; that of no gain is very small."""
    return math.log(max(math.log(max(speed, 1.0)), 1e-9))
