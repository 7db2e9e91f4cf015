"""What training hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Distilled:
    """A student after its training.

    Attributes:
        module: the student itself, in eval mode, with averaged weights and fresh BatchNorm
            statistics; of no use where `reason` says that it diverged.
        steps: optimiser steps of this budget.
        samples: samples that went through it.
        seconds: of the budget that were used, evaluations not counted.
        looking: seconds of the evaluations.
        losses: of each step.
        rates: learning rate of each step.
        curve: (seconds used, score) of each evaluation, the last one of the finished student.
        micro_batch: samples that fit into memory at once, a process.
        reason: why the student was dropped, None where it was not.
    """

    module: nn.Module
    steps: int
    samples: int
    seconds: float
    losses: tuple[float, ...]
    rates: tuple[float, ...]
    curve: tuple[tuple[float, float], ...] = ()
    looking: float = 0.0
    micro_batch: int = 0
    reason: str | None = None

    @property
    def score(self) -> float | None:
        """The finished student's score, None where nobody asked or it was dropped."""
        return self.curve[-1][1] if self.curve and self.reason is None else None
