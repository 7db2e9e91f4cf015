"""Between which losses an architecture must lie, by the scores of its options.

An option that alone loses far more than any measured network lies where the features say nothing:
a line through those networks may give it a gain, and a curve anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.accuracy._features import Features
from paretune.search.accuracy._given import Measured
from paretune.search.accuracy._warp import Warp
from paretune.search.space import Choice

Floats = NDArray[np.float64]

#: How far beyond the parts that were seen losses may lie.
ROOM = 2.0


@dataclass(frozen=True)
class Bounds:
    """What measured networks lost, in parts of what their options lose alone.

    Attributes:
        features: have the scores.
        least, most: parts of their sum, as if changes did not meet; 0 or less bounds nothing below.
        together: the most of the square of the sum of their roots, as if all pushed the same way.
        greatest: loss that was seen.
    """

    features: Features
    least: float
    most: float
    together: float
    greatest: float

    @classmethod
    def of(cls, features: Features, measured: Measured) -> Bounds | None:
        """None where there are no scores."""
        if features.score is None:
            return None
        some = features.apart(measured.choices) > 0
        if not some.any():
            return None
        rows, values = measured.choices[some], measured.values[some]
        apart, together = values / features.apart(rows), values / features.together(rows)
        return cls(
            features=features,
            least=float(apart.min()) / ROOM,
            most=max(float(apart.max()) * ROOM, 0.0),
            together=max(float(together.max()) * ROOM, 0.0),
            greatest=float(measured.values.max()),
        )

    def __call__(self, rows: Choice) -> tuple[Floats, Floats]:
        """Least and greatest loss (n,) of architectures (n, m)."""
        apart, together = self.features.apart(rows), self.features.together(rows)
        low = self.least * apart if self.least > 0 else np.full(len(rows), -np.inf)
        return low, self.greatest + np.maximum(self.most * apart, self.together * together)

    def latent(self, rows: Choice, warp: Warp) -> tuple[Floats, Floats]:
        """The same where losses add up; nothing is bounded below the least that was seen."""
        low, high = (
            np.where(bound > warp.least, warp.forward(np.maximum(bound, warp.least)), free)
            for bound, free in zip(self(rows), (-np.inf, np.inf), strict=True)
        )
        return low, high
