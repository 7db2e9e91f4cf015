"""What an architecture is worth, now and after training: speed, if it will be good enough."""

from __future__ import annotations

import math

from paretune.core import Ci95, Estimate

#: What is lacking to the teacher shrinks as this power of the training time, and by how much that
#: differs between architectures: the standard deviation of its logarithm for e times the time.
LEARNING, SPREAD = 0.35, 0.3


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
    return float(enough + math.log(max(math.log(max(speed, 1.0)), 1e-9))), float(math.exp(enough))


def deviation(ci95: Ci95) -> float:
    """Standard deviation of what has that interval."""
    from scipy.stats import norm

    return float((ci95[1] - ci95[0]) / (2 * norm.ppf(0.975)))


def prospect(speed: float, score: float, growth: float, *, own: Estimate, least: float) -> float:
    """What an architecture will be worth after the whole of its training, see `worth`.

    The final score is normal about its extrapolation, as widely as the samples and the
    extrapolation are uncertain.

    Args:
        speed: the baseline's latency over the architecture's.
        score: after the training so far, higher is better.
        growth: the whole training's time over that so far, at least 1.
        own: the baseline's score with its interval.
        least: score that is asked for at the end.
    """
    if not math.isfinite(score):
        return -math.inf
    lacking = max(own.value - score, 0.0)
    left = lacking * growth**-LEARNING
    spread = math.hypot(deviation(own.ci95), SPREAD * math.log(growth) * left)
    return worth(speed, score + lacking - left - least, spread)[0]
