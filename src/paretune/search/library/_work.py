"""What goes to a worker and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paretune.search.library._picked import Picked
from paretune.search.library._recipe import Recipe
from paretune.search.proposals import Proposals

#: Weights of candidates that stand in a network, by option id; None: as inherited.
Weights = Mapping[str, Path | None]


@dataclass(frozen=True)
class Work:
    """What a worker must know.

    Attributes:
        proposals: the baseline, its blocks and what they may become.
        train: inputs that candidates are trained on.
        held: inputs that they are judged on, with labels where there are any.
        films: folder with the recorded activations of both.
        sites: (first, last) of every run that has a candidate.
        recipe: how candidates are trained.
        seed: of weights that cannot be inherited and of the order of samples.
        threads: of this process.
        bf16: whether to train in bfloat16: where the CPU multiplies it, a step takes two thirds.
    """

    proposals: Proposals
    train: Picked
    held: Picked
    films: Path
    sites: tuple[tuple[int, int], ...]
    recipe: Recipe
    seed: int
    threads: int
    bf16: bool


@dataclass(frozen=True)
class Effort:
    """What training took.

    Attributes:
        steps: taken.
        samples: that went through the candidate.
        seconds: of wall time.
        flops: forward and backward, a multiply-add counted as two.
        batch: samples a step in the end, fewer than asked for where memory ran out.
    """

    steps: int
    samples: int
    seconds: float
    flops: float
    batch: int


@dataclass(frozen=True)
class Trained:
    """What became of a candidate in one round.

    Attributes:
        effort: what it took.
        before: error on held-out inputs at its beginning.
        after: of what was kept at its end.
        kl: of the network with it alone put in, NaN before the last round.
        trained: whether the trained weights were kept: they were the better ones.
        short: whether it was given less than half of its time.
    """

    effort: Effort
    before: float
    after: float
    kl: float
    trained: bool
    short: bool = False
