"""The budget, and the learning rate that fits it whatever a step costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from paretune.core import InputError

#: Share of a budget that what follows the last step may take.
TAIL = 0.1


@dataclass(frozen=True)
class Budget:
    """Seconds, steps, or whichever of both ends first.

    Attributes:
        seconds: of training.
        steps: of the optimiser.
    """

    seconds: float | None
    steps: int | None

    @classmethod
    def of(cls, seconds: float | None, epochs: float | None, epoch: int) -> Budget:
        """A budget of seconds, of epochs of so many steps, or of both.

        Raises:
            InputError: neither is given, or one is not above 0.
        """
        given = [x for x in (seconds, epochs) if x is not None]
        if not given or not all(0 < x < math.inf for x in given):
            raise InputError(
                "training needs a budget that ends: give seconds or epochs, a number above 0"
            )
        return cls(seconds, None if epochs is None else max(1, round(epochs * epoch)))

    def used(self, step: int, elapsed: float) -> float:
        """Share of the budget that is used up, 0 to 1 and above."""
        shares = []
        if self.seconds is not None:
            shares.append(elapsed / self.seconds)
        if self.steps is not None:
            shares.append(step / self.steps)
        return max(shares)

    def coming(self, step: int, elapsed: float, pace: float, tail: float = 0.0) -> float:
        """Share that is used up in the middle of the coming step, from 1 on: there is none.

        Counted to its middle, a last step that a rising pace would carry over the end is taken
        only if more than half of it lies before the end.

        Args:
            step: steps done.
            elapsed: seconds used.
            pace: seconds that a step takes, as far as known.
            tail: seconds that are wanted after the last step; at most `TAIL` of the budget.
        """
        shares = [] if self.steps is None else [(step + 0.5) / self.steps]
        if self.seconds is not None:
            shares.append((elapsed + pace / 2) / (self.seconds - min(tail, TAIL * self.seconds)))
        return max(shares)


def rate(share: float, *, peak: float, warmup: float) -> float:
    """Learning rate at a share of the budget: up in a line, down to zero along half a cosine.

    Args:
        share: of the budget, 0 to 1.
        peak: highest rate.
        warmup: share over which it rises.
    """
    if share < warmup:
        return peak * share / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, (share - warmup) / (1 - warmup))))
