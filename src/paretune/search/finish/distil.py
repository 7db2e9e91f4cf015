"""Function-matching distillation within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from paretune.core import Progress
from paretune.data import ArrayFolder
from paretune.search.finish._saved import Saved, fingerprint
from paretune.search.finish._train import train
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.ledger import Ledger


def distil(
    student: nn.Module,
    teacher: nn.Module,
    arrays: ArrayFolder,
    *,
    recipe: Recipe | None = None,
    seconds: float | None = None,
    epochs: float | None = None,
    seed: int = 0,
    ledger: Ledger | None = None,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
    progress: Progress | None = None,
    evaluate: Callable[[nn.Module], float] | None = None,
    evaluations: int = 1,
    features: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Distilled:
    """Teach a student its teacher's function until a budget is used up.

    Teacher and student see the same augmented, mixed view, and the student is judged by how far
    its answers are from the teacher's (Beyer et al. 2022, arXiv 2106.05237); labels are optional.
    Whatever a step costs, the learning rate has come down to zero when the budget ends. One seed
    and one number of threads give one result, where the budget is `epochs`; seconds are as
    repeatable as the machine's speed.

    Where it runs and in what precision is Accelerate's configuration; by default one process, on a
    GPU if there is one, in bfloat16 if the hardware has it.

    Args:
        student: what learns; trained in place, returned in eval mode.
        teacher: what it learns from; left as it is.
        arrays: prepared inputs. Float inputs (n, C, H, W) are augmented and mixed, other floats
            mixed, integers neither.
        recipe: how; the default was measured.
        seconds: wall time to use, evaluations not counted.
        epochs: passes over the samples; with `seconds`, whichever ends first.
        seed: of samples, augmentation and dropout.
        ledger: is told the training FLOPs, teacher included.
        checkpoint: file to go on from, and to write on the way and at the end.
        save_every: seconds of training between checkpoints.
        progress: told one stage of 20 steps.
        evaluate: gives a score of a module in eval mode; higher is better.
        evaluations: how often to ask it, evenly over the budget; the last is the finished student.
        features: name of a teacher's submodule by that of a student's of the same output shape,
            for the recipe's feature term.
        clock: in seconds.

    Returns:
        The student with averaged weights and BatchNorm statistics that fit them, and how it went. A
        student that diverged comes back with the reason and is of no use.

    Raises:
        InputError: no budget; too few samples; the checkpoint is of another training; a feature
            pair that does not fit.
        UnsupportedError: even the smallest batch does not fit into memory.
        MissingPackageError: Accelerate is not installed.
    """
    recipe = recipe or Recipe()
    budget = [seconds, epochs, dict(features or {})]
    key = fingerprint(student, teacher, arrays, recipe, seed=seed, budget=budget)
    done, _ = train(
        student,
        teacher,
        arrays,
        recipe=recipe,
        seconds=seconds,
        epochs=epochs,
        seed=seed,
        begin=Saved(key=key),
        ledger=ledger,
        checkpoint=checkpoint,
        save_every=save_every,
        progress=progress,
        evaluate=evaluate,
        evaluations=evaluations,
        features=features,
        clock=clock,
    )
    return done
