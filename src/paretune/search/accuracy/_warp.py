"""From the unit of the values to the scale on which losses add up, and back.

Losses compound: what one change costs grows with what was lost already, so sums over blocks are
optimistic. On the logarithm of a loss above a floor, log(y - floor), factors become sums; with the
floor far below, the same formula is a plain line. How far below is chosen by evidence, with the
Jacobian counted (Snelson, Rasmussen & Ghahramani 2003, "Warped Gaussian Processes").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Depth of the floor below the least value, in units of the values' spread: from strongly
#: compounding to a line.
DEPTHS = (0.02, 0.1, 0.3, 1.0, 3.0, 30.0)


@dataclass(frozen=True)
class Warp:
    """z = (log(1 + (y - least) / depth) - centre) / scale.

    Attributes:
        least: the lowest value seen.
        depth: of the floor below it, in the values' unit.
        centre, scale: mean and standard deviation of the logarithms seen.
    """

    least: float
    depth: float
    centre: float
    scale: float

    @classmethod
    def of(cls, values: Floats, depth: float) -> Warp:
        """The warp of values (n,) whose floor lies `depth` spreads below the least."""
        least = float(values.min())
        low, high = np.percentile(values, [10, 60])
        spread = float(high - low) or float(values.std()) or 1.0
        logs = np.log1p((values - least) / (depth * spread))
        return cls(
            least=least,
            depth=depth * spread,
            centre=float(logs.mean()),
            scale=float(logs.std()) or 1.0,
        )

    def forward(self, values: Floats) -> Floats:
        """Values (n,) on the scale where they add up, of mean 0 and variance 1."""
        return np.asarray((np.log1p((values - self.least) / self.depth) - self.centre) / self.scale)

    def backward(self, latent: Floats) -> Floats:
        """Values of any shape in their unit again; it rises, so ranks and intervals carry over."""
        return np.asarray(self.least + self.depth * np.expm1(self.centre + self.scale * latent))

    def log_jacobian(self, values: Floats) -> float:
        """Sum over values (n,) of the logarithm of the slope of `forward`."""
        return float(-np.log(self.scale * (values - self.least + self.depth)).sum())

    def compounding(self, value: float) -> float:
        """Slope of `backward` at a value over its slope at the least value seen."""
        return (value - self.least + self.depth) / self.depth
