"""Quantisation-aware training: only for a student that int8 costs too much."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from paretune.core import Progress
from paretune.data import ArrayFolder
from paretune.search.finish._fake_quant import simulated
from paretune.search.finish.distil import distil
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.ledger import Ledger

#: Samples that the ranges of inputs begin with, and samples at once.
CALIBRATION, AT_ONCE = 256, 64

#: Plain images, as those that will be quantised on, and float32 around the rounding, since
#: bfloat16 has no more bits than int8. The rate is no fine-tuning rate: on digits, of a drop of
#: 0.76 made by stretching channels, six epochs at 5e-4 left 0.22 and at 3e-3 0.10.
RECIPE = Recipe(lr=2e-3, weight_decay=0.0, mixup=0.0, precision="f32", settle=0.0)


def quantisation_aware(
    student: nn.Module,
    teacher: nn.Module,
    arrays: ArrayFolder,
    *,
    drop: float,
    allowed: float,
    recipe: Recipe = RECIPE,
    seconds: float | None = None,
    epochs: float | None = None,
    seed: int = 0,
    ledger: Ledger | None = None,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
    progress: Progress | None = None,
    evaluate: Callable[[nn.Module], float] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Distilled | None:
    """Distil on in simulated int8, if the drop that int8 was measured to cost demands it.

    The student comes back as a plain module with other weights: it is quantised after training by
    the same recipes as any other model, and loses less then.

    Args:
        student: distilled already; trained in place.
        teacher: what it learns from; the student before this is one, too.
        arrays: prepared inputs, as for `distil`; ranges begin with the first of them.
        drop: accuracy that post-training quantisation was measured to cost, a fraction.
        allowed: accuracy that it may cost, a fraction.
        recipe: how; float32 whatever it says.
        seconds: as for `distil`.
        epochs: as for `distil`.
        seed: as for `distil`.
        ledger: as for `distil`.
        checkpoint: as for `distil`.
        save_every: as for `distil`.
        progress: as for `distil`.
        evaluate: gives a score of the module while it computes in simulated int8.
        clock: in seconds.

    Returns:
        How it went, or None where `drop` is within what is allowed and nothing was done.

    Raises:
        InputError: as `distil`.
        UnsupportedError: as `distil`.
    """
    if drop <= allowed:
        return None
    device = next(student.parameters()).device
    with simulated(student, _calibration(arrays, device)):
        return distil(
            student,
            teacher,
            arrays,
            recipe=replace(recipe, precision="f32"),
            seconds=seconds,
            epochs=epochs,
            seed=seed,
            ledger=ledger,
            checkpoint=checkpoint,
            save_every=save_every,
            progress=progress,
            evaluate=evaluate,
            clock=clock,
        )


def _calibration(arrays: ArrayFolder, device: torch.device) -> Iterator[list[torch.Tensor]]:
    size = arrays.at_once(AT_ONCE)
    for start in range(0, min(CALIBRATION, arrays.n), size):
        yield [tensor.to(device) for tensor in arrays.tensors(slice(start, start + size))]
