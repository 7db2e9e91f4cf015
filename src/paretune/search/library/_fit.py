"""Training one candidate: it learns to give what the blocks gave, from what they were given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from paretune.core import UnsupportedError
from paretune.search.flops import counting
from paretune.search.library._error import normalised_error
from paretune.search.library._recipe import Recipe
from paretune.search.library._work import Effort
from paretune.search.network.site import Flow, passed

#: Share of the schedule in which the rate rises: Adam's first steps are of full length whatever
#: the gradient, and would undo what was inherited.
WARM_UP = 0.05
#: The second round begins from trained weights and goes on with smaller steps.
SECOND_RATE = 0.5


@dataclass(frozen=True)
class Lesson:
    """What a candidate learns from.

    Attributes:
        x: what its blocks were given, bfloat16 (n, ...).
        y: what they gave, bfloat16 (n, ...): wanted of drifted inputs, too, so that a candidate
            mends what those before it have changed.
        drift: `x` where blocks upstream are replaced, or None on clean inputs alone.
        extras: what else they were given, by name, rows by sample.
        flow: an example, for extras that do not differ by sample.
    """

    x: torch.Tensor
    y: torch.Tensor
    drift: torch.Tensor | None
    extras: dict[str, torch.Tensor]
    flow: Flow

    def inputs(self, rows: torch.Tensor, drifted: int = 0) -> torch.Tensor:
        """Inputs of these samples, float32; of the first `drifted` of them the drifted ones."""
        if self.drift is None or not drifted:
            return self.x[rows].float()
        parts = [self.drift[rows[:drifted]], self.x[rows[drifted:]]]
        return torch.cat(parts).float()

    def run(self, piece: nn.Module, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The candidate's outputs for inputs that belong to these samples."""
        if not getattr(piece, "takes_extras", False):
            made: torch.Tensor = piece(x)
            return made
        mine = {name: strip[rows] for name, strip in self.extras.items()}
        extras, named = passed(self.flow, mine)
        made = piece(x, *extras, **named)
        return made


def fit(
    piece: nn.Module,
    lesson: Lesson,
    variance: torch.Tensor,
    *,
    recipe: Recipe,
    seconds: float,
    second: bool,
    random: np.random.Generator,
    clock: Callable[[], float],
    bf16: bool,
    halvings: int = 0,
) -> Effort:
    """Train a candidate in place, for a time or for the recipe's steps.

    Training ends early where the loss is no longer finite: nothing brings such weights back, and
    the caller, who judges them, has those that it began with.

    Args:
        piece: in eval mode, and again after.
        lesson: what it learns from.
        variance: of the outputs' channels.
        recipe: how.
        seconds: what it may take.
        second: whether this is the second round.
        random: decides which samples come when and what dropout drops, whatever this process
            trained before: PyTorch's own generator is set from it.
        clock: in seconds.
        bf16: whether convolutions and products are computed in bfloat16.
        halvings: of the recipe's batch to begin with.

    Raises:
        UnsupportedError: one sample does not fit into memory; one sentence.
    """
    torch.manual_seed(int(random.integers(2**62)))
    parameters = [p for p in piece.parameters() if p.requires_grad]
    batch = max(1, min(recipe.batch >> halvings, len(lesson.x)))
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, foreach=True)
    order = _orders(len(lesson.x), random)
    highest = recipe.rate * (SECOND_RATE if second else 1.0)
    start, steps, samples, each = clock(), 0, 0, 0.0
    piece.train()
    try:
        while (done := _progress(steps, clock() - start, recipe, seconds)) < 1:
            for group in optimizer.param_groups:
                group["lr"] = highest * _schedule(done)
            rows = torch.from_numpy(order(batch))
            try:
                with nullcontext() if each else counting() as counter:
                    loss = _step(piece, lesson, variance, rows, optimizer, recipe.drift, bf16)
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                if batch == 1:
                    raise UnsupportedError("training it on one sample takes more memory") from error
                batch //= 2
                continue
            if counter is not None:
                each = counter.get_total_flops() / batch
            steps, samples = steps + 1, samples + batch
            if not math.isfinite(loss):
                break
    finally:
        piece.eval()
    return Effort(steps, samples, clock() - start, each * samples, batch)


def _step(
    piece: nn.Module,
    lesson: Lesson,
    variance: torch.Tensor,
    rows: torch.Tensor,
    optimizer: torch.optim.Optimizer,
    drift: float,
    bf16: bool,
) -> float:
    """One optimiser step; returns the loss before it."""
    x = lesson.inputs(rows, drifted=round(drift * len(rows)))
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        made = lesson.run(piece, x, rows)
    loss = normalised_error(made, lesson.y[rows], variance)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def _progress(steps: int, elapsed: float, recipe: Recipe, seconds: float) -> float:
    """How far the schedule has come, 0 to 1."""
    if recipe.steps is not None:
        return steps / recipe.steps if recipe.steps else 1.0
    by_time = elapsed / seconds if seconds > 0 else 1.0
    return max(by_time, steps / recipe.enough if recipe.enough else 0.0)


def _schedule(done: float) -> float:
    """Share of the highest rate: a short rise, then a cosine to 0 (arXiv 1608.03983)."""
    return min(1.0, (done + 0.002) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))


def _orders(n: int, random: np.random.Generator) -> Callable[[int], Any]:
    """Gives the next `size` sample numbers, int64, every sample once before any comes again."""

    def endless() -> Iterator[int]:
        while True:
            yield from random.permutation(n)

    numbers = endless()
    return lambda size: np.fromiter((next(numbers) for _ in range(size)), np.int64, size)


def _out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the CPU or a GPU."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "allocate memory" in str(error)
    )
