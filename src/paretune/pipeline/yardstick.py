"""What a search judges outputs by: accuracy, or divergence where that is what is bounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paretune.core import Constraint, Estimate, Score, quality


@dataclass(frozen=True)
class Yardstick:
    """A figure of `QUALITY`, turned so that higher is better.

    Attributes:
        figure: its name.
    """

    figure: str

    @classmethod
    def of(cls, constraints: Sequence[Constraint]) -> Yardstick:
        """The figure that is bounded first; accuracy where none is."""
        return cls(next((c.metric for c in constraints if c.guards), "accuracy"))

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

    def spare(self, constraint: Constraint, score: Score, baseline: Score) -> tuple[float, float]:
        """By how much a score exceeds what is asked for, and the standard deviation of that.

        Args:
            constraint: on this figure.
            score: of a variant.
            baseline: of the baseline.
        """
        from paretune.search.prospect import deviation

        bound = constraint.bound(quality(baseline, self.figure))
        if self.figure != "accuracy":
            return self.good(score) + bound, deviation(score.kl_ci95 or (0.0, 0.0))
        paired = score.drop if constraint.needs_baseline and score.drop is not None else score
        return score.value - bound, deviation(paired.ci95)

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
