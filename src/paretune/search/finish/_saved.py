"""A training's state on disk: whole or not at all, and never unpickled as code."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretune.core import InputError
from paretune.data import ArrayFolder
from paretune.search.finish._fake_quant import RANGES
from paretune.search.finish.recipe import Recipe
from paretune.store import write_bytes_atomic

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Saved:
    """Where a training stands.

    Attributes:
        key: fingerprint of the request that it belongs to.
        origin: steps that were done before this budget began; nothing repeats their batches.
        step: steps of this budget.
        elapsed: seconds of this budget.
        looking: seconds of evaluations, which are not of the budget.
        preparing: seconds before the first step, which are not either: the teacher is asked what it
            knows an image through.
        pace: seconds a step, lately.
        settled: step of this budget at which BatchNorm's statistics were fixed, None before.
        settled_at: share of this budget that was used up then, 0 before.
        micro: samples that fit into memory at once; 0 for all.
        losses: of each step.
        rates: of each step.
        curve: (seconds, score) of each evaluation.
        finished: whether nothing is left to do: the budget is used up and `average` is what is
            handed back, or the student has diverged.
        reason: why it is of no use, None where it is not known to be.
        student: state of the module as trained.
        average: state of the module as averaged.
        optimizer: state of the optimiser.
    """

    key: str
    origin: int = 0
    step: int = 0
    elapsed: float = 0.0
    looking: float = 0.0
    preparing: float = 0.0
    pace: float = 0.0
    settled: int | None = None
    settled_at: float = 0.0
    micro: int = 0
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    curve: list[tuple[float, float]] = field(default_factory=list)
    finished: bool = False
    reason: str | None = None
    student: dict[str, Any] = field(default_factory=dict)
    average: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Write it whole.

        Raises:
            InputError: nothing can be written there.
        """
        import torch

        content = io.BytesIO()
        torch.save({f.name: getattr(self, f.name) for f in dataclasses.fields(self)}, content)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(file, content.getbuffer())

    def light(self) -> Saved:
        """The same without what a later budget would go on from."""
        return dataclasses.replace(self, student={}, average={}, optimizer={})

    def next_budget(self, key: str) -> Saved:
        """A fresh budget that goes on from here: weights, momenta and order of samples."""
        return Saved(
            key=key,
            origin=self.origin + self.step,
            pace=self.pace,
            micro=self.micro,
            student=self.student,
            optimizer=self.optimizer,
        )


def read(file: Path, key: str) -> Saved | None:
    """The state that `Saved.write` wrote, None where there is none.

    Raises:
        InputError: it belongs to another request, or is no state.
    """
    import torch

    if not file.is_file():
        return None
    try:
        saved = Saved(**torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # whatever a foreign file makes the reader raise
        raise InputError(f"{file} is not the state of a training: remove it") from error
    if saved.key != key:
        raise InputError(
            f"{file} belongs to another training (other weights, data, recipe or budget): "
            "remove it or choose another place"
        )
    return saved


def fingerprint(
    student: nn.Module,
    teacher: nn.Module,
    arrays: ArrayFolder,
    recipe: Recipe,
    *,
    seed: int,
    budget: object,
) -> str:
    """Hex digest of everything that decides what a training makes of a student.

    Of ranges of simulated int8 their names alone: they follow from weights and data, but for a last
    bit that the number of threads decides.
    """
    total = hashlib.sha256()
    request = [dataclasses.asdict(recipe), arrays.digest, seed, budget]
    total.update(json.dumps(request, sort_keys=True).encode())
    for module in (student, teacher):
        for name, value in module.state_dict().items():
            total.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
            if not f".{name}".endswith(RANGES):
                total.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()
