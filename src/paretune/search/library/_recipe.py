"""How candidates are trained: every number that decides what comes out."""

from __future__ import annotations

from pydantic import Field

from paretune.core import Noun


class Recipe(Noun):
    """Settings of block-wise distillation; the defaults are those that were measured best.

    Attributes:
        samples: most training samples whose activations are recorded.
        held_out: most samples of the search split that candidates are judged on: of large models
            fewer, 64 at least, because judging would else take several times as long as training.
        cache_bytes: most disk space of the recorded activations, of either split.
        batch: samples a step.
        rate: highest learning rate of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).
        steps: of each round, in place of a share of the time: exact repetition on any machine.
        enough: steps of each round after which it ends before its time is up: more bring little.
        drift: share of a candidate's inputs, in the second round, that come from a network whose
            blocks upstream are replaced by trained candidates; 0 for one round on clean inputs.
            Not used by default: with as many steps in all, networks composed of ResNet-56's
            candidates came out the same with 0.5 as with 0 once their statistics were
            re-estimated, worse without that, and single candidates diverged more.
        second: share of a candidate's time that goes to the second round.
        settle: samples that BatchNorm statistics are re-estimated from.
        attempts: how often a task is begun whose process dies.
        scores: whether outputs of shape (n, classes) are class scores.
    """

    samples: int = Field(default=8192, ge=1)
    held_out: int = Field(default=512, ge=1)
    cache_bytes: float = Field(default=6e9, gt=0)
    batch: int = Field(default=64, ge=1)
    rate: float = Field(default=2e-3, gt=0)
    steps: int | None = Field(default=None, ge=0)
    enough: int | None = Field(default=None, ge=1)
    drift: float = Field(default=0.0, ge=0, le=1)
    second: float = Field(default=0.4, gt=0, lt=1)
    settle: int = Field(default=512, ge=1)
    attempts: int = Field(default=2, ge=1)
    scores: bool = True

    @property
    def rounds(self) -> int:
        """One on clean inputs, and one on inputs as replaced blocks make them."""
        return 2 if self.drift else 1
