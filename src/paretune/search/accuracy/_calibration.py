"""Intervals that are as wide as they should be.

The posterior's own standard deviation is right if the prior is. Residuals of rows that were left
out tell how right: with z = residual / standard deviation, the squared factor that widens the
intervals is a variance estimated from the z, under a scaled inverse chi-squared prior around 1
(Gelman et al. 2013, section 2.6), which makes the quantile one of Student's t. The quantile of the
bare residuals (conformal prediction, jackknife+; Barber et al. 2021) has the right coverage on
average over designs too, but for 16 residuals it is their largest, and an order statistic of so few
is at the mercy of the draw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Coverage of every interval of the surrogate.
COVERAGE = 0.9
#: Residuals that the prior is worth. As many as there are anchors: then both count the same, and
#: with hundreds of rows the residuals decide.
PRIOR_ROWS = 24


def widening(z: Floats) -> float:
    """Half-width of an interval in standard deviations.

    Args:
        z: (n,) residuals of left-out rows over their standard deviations.
    """
    from scipy.special import stdtrit

    total = len(z) + PRIOR_ROWS
    factor = np.sqrt((np.sum(z**2) + PRIOR_ROWS) / total)
    return float(factor * stdtrit(total - 1, 0.5 + COVERAGE / 2))
