"""What a search judges outputs by: accuracy, or their divergence where only that is bounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paretune.core import QUALITY, Constraint, Estimate, Score, quality


@dataclass(frozen=True)
class Yardstick:
    """A figure of `QUALITY`, turned so that higher is better.

    Attributes:
        figure: its name.
    """

    figure: str

    @classmethod
    def of(cls, constraints: Sequence[Constraint]) -> Yardstick:
        """The one that is bounded; accuracy where both are, or neither."""
        bounded = [name for name in QUALITY if any(c.metric == name for c in constraints)]
        return cls((bounded or QUALITY)[0])

    def good(self, score: Score) -> float:
        """The accuracy, a fraction, or minus the divergence, nats."""
        value = quality(score, self.figure)
        if value is None:
            return -math.inf
        return value if self.figure == "accuracy" else -value

    def own(self, score: Score) -> Estimate:
        """The baseline's, with its interval; of itself it does not diverge at all."""
        ci95 = score.ci95 if self.figure == "accuracy" else (0.0, 0.0)
        return Estimate(value=self.good(score), ci95=ci95)

    def least(self, constraints: Sequence[Constraint], baseline: Score) -> float:
        """What is asked for at least, -inf where nothing is.

        Args:
            constraints: all of them.
            baseline: its score.
        """
        upwards = self.figure == "accuracy"
        operators = (">=", ">") if upwards else ("<=", "<")
        bounds = [
            c.bound(quality(baseline, self.figure))
            for c in constraints
            if c.metric == self.figure and c.op in operators
        ]
        return max((bound if upwards else -bound for bound in bounds), default=-math.inf)

    def told(self, lost: float) -> str:
        """A loss as it is printed."""
        return f"{100 * lost:.1f} pt" if self.figure == "accuracy" else f"{lost:.2g} nats"
