"""What is known of one candidate once it has been trained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from paretune.core import Noun

#: `inherited`: nothing was trained, or training, which may have diverged, made it no better than
#: the weights it began with.
Status = Literal["trained", "inherited", "failed"]


class Entry(Noun):
    """One candidate.

    Attributes:
        option: id of the option.
        status: what stands in the library for it.
        reason: why it failed, empty otherwise.
        died: whether its process did, see `WorkerError`.
        error_before: normalised MSE on held-out inputs with the weights that it inherited.
        error_after: the same of what stands in the library; no better than before where training
            did not help.
        kl: mean KL divergence in nats of the whole network's outputs, with this option alone put
            in, from the baseline's, on held-out samples.
        short: whether it was given less than half of the time that it was to have.
        seconds: that training took in its process, evaluation left out.
        steps: optimiser steps.
        flops: spent on training, a multiply-add counted as two.
        weights: its parameters as safetensors, None for a failed one.
    """

    option: str
    status: Status
    reason: str = ""
    died: bool = False
    error_before: float = math.nan
    error_after: float = math.nan
    kl: float = math.nan
    short: bool = False
    seconds: float = 0.0
    steps: int = 0
    flops: float = 0.0
    weights: Path | None = None

    @property
    def improved(self) -> bool:
        """Whether training lowered the error on held-out inputs."""
        return self.steps > 0 and self.error_after < self.error_before
