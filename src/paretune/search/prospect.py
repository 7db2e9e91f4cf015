"""What an architecture promises after a part of its training: speed, if it will be good enough."""

from __future__ import annotations

import math

from paretune.core import Estimate

#: What is lacking to the teacher shrinks as this power of the training time, and by how much that
#: differs between architectures: the standard deviation of its logarithm for e times the time.
LEARNING, SPREAD = 0.35, 0.3


def prospect(speed: float, score: float, growth: float, *, own: Estimate, least: float) -> float:
    """Logarithm of the speed to expect, counting nothing where the score will not suffice.

    The expectation is log(speed) x P(final score >= least). The final score is normal about its
    extrapolation, as widely as the samples and the extrapolation are uncertain.

    Args:
        speed: the baseline's latency over the architecture's.
        score: after the training so far, higher is better.
        growth: the whole training's time over that so far, at least 1.
        own: the baseline's score with its interval.
        least: score that is asked for at the end.
    """
    from scipy.stats import norm

    lacking = max(own.value - score, 0.0)
    left = lacking * growth**-LEARNING
    samples = (own.ci95[1] - own.ci95[0]) / (2 * norm.ppf(0.975))
    deviation = math.hypot(samples, SPREAD * math.log(growth) * left)
    margin = score + lacking - left - least
    enough = norm.logcdf(margin / max(deviation, 1e-9)) if math.isfinite(least) else 0.0
    return float(enough + math.log(max(math.log(max(speed, 1.0)), 1e-9)))
