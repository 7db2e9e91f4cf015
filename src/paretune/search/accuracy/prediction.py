"""What the surrogate says of architectures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """Loss of every architecture, lower is better, in the unit of the highest fidelity given.

    Attributes:
        mean: float64 (n,) the middle of the predictive distribution: its mean on the scale where
            losses add up, carried back, so half of what is measured lies below.
        low, high: float64 (n,) ends of the 90 % interval of what would be measured.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
