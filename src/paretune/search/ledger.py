"""What a search spends, stage by stage: training FLOPs, wall seconds, CPU seconds.

A module's FLOPs are counted once per input shape (`search/flops.py`); training multiplies. A full
training of the baseline, the unit of the equivalents, is samples x epochs x 3 x forward: the
backward pass costs about two forward passes (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from paretune.core import InputError, Noun
from paretune.core import Ledger as CoreLedger
from paretune.engine import machine
from paretune.search.flops import flops
from paretune.store import write_text_atomic

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Epochs of a full training where the caller does not know: what the ResNets of He et al. 2015
#: (arXiv 1512.03385, section 4.2) take on CIFAR-10: 64,000 steps of 128 on 45,000 images.
DEFAULT_EPOCHS = 182

#: Where FLOPs go that are spent outside any stage.
UNNAMED = "other"


class StageCost(Noun):
    """What one stage spent; the stages within it are not included."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    training_flops: float = 0.0

    def plus(self, other: StageCost) -> StageCost:
        """Both together."""
        return StageCost(
            wall_s=self.wall_s + other.wall_s,
            cpu_s=self.cpu_s + other.cpu_s,
            training_flops=self.training_flops + other.training_flops,
        )


class LedgerSummary(Noun):
    """Everything spent so far.

    Attributes:
        stages: by name, in the order in which they began.
        full_training_flops: of one full training of the baseline; 0 where it was never told.
    """

    stages: dict[str, StageCost] = {}
    full_training_flops: float = 0.0

    @property
    def training_flops(self) -> float:
        """Of all stages."""
        return sum(cost.training_flops for cost in self.stages.values())

    @property
    def full_training_equivalents(self) -> float:
        """Training FLOPs in full trainings of the baseline; 0 where that was never told."""
        return self.training_flops / self.full_training_flops if self.full_training_flops else 0.0

    def merged(self, run: CoreLedger, *, others: Mapping[str, str]) -> CoreLedger:
        """The ledger of a whole run with the search's figures put in.

        Wall and CPU seconds of the run include the search already; what is added is what was
        trained. The run's stage has its seconds shared out among the search's own, which follow
        it, so that all stages still come to the wall time.

        Args:
            run: its ledger.
            others: stages of the run by the stages here that were part of those; the rest were
                part of `search`.
        """
        stages: dict[str, float] = {}
        for name, seconds in run.stages_s.items():
            inner = {n: c.wall_s for n, c in self.stages.items() if others.get(n, "search") == name}
            # What an earlier process was doing when it was killed may be in one of the two alone.
            stages[name] = max(0.0, seconds - sum(inner.values()))
            stages |= inner
        trained = {n: c.training_flops for n, c in self.stages.items() if c.training_flops}
        return run.model_copy(
            update={
                "training_flops": run.training_flops + self.training_flops,
                "full_training_equivalents": run.full_training_equivalents
                + self.full_training_equivalents,
                "stages_s": stages,
                "stages_cpu_s": {name: cost.cpu_s for name, cost in self.stages.items()},
                "stages_flops": trained,
            }
        )


class Ledger:
    """Counts what is spent; one object for one search.

    Args:
        file: where it is written down, to go on from after a kill, whenever a stage begins or ends
            and whenever training is booked. What an earlier process of the same search wrote there
            counts.
        wall: clock in seconds.
        cpu: clock in CPU seconds.

    Raises:
        InputError: the file is not a ledger.
    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        wall: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = machine.process_tree_seconds,
    ) -> None:
        self._wall, self._cpu, self._file = wall, cpu, file
        before = _read(file)
        self._stages: dict[str, StageCost] = dict(before.stages)
        self._full = before.full_training_flops
        self._open: list[str] = []
        self._since = (0.0, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside is booked on `name`; a stage within a stage keeps its own account."""
        self._book()
        self._open.append(name)
        self._stages.setdefault(name, StageCost())
        self._keep()
        try:
            yield
        finally:
            self._book()
            self._open.pop()
            self._keep()

    def baseline(
        self,
        module: nn.Module,
        inputs: Sequence[torch.Tensor],
        *,
        samples: int,
        epochs: float = DEFAULT_EPOCHS,
    ) -> None:
        """Say what one full training of the baseline is: the unit of the equivalents.

        Args:
            module: the baseline.
            inputs: one batch of its inputs, batch on axis 0; values do not matter.
            samples: in the training set.
            epochs: passes over it that its training takes.
        """
        self._full = samples * epochs * 3 * flops(module, inputs)

    def train(
        self,
        module: nn.Module,
        inputs: Sequence[torch.Tensor],
        *,
        samples: int,
        teacher: nn.Module | None = None,
        asked: int | None = None,
    ) -> None:
        """Book training on `samples`: forward and backward, and the teacher's forward.

        Args:
            module: what is trained; parameters that are frozen now cost no gradient.
            inputs: one batch of its inputs, batch on axis 0; values do not matter.
            samples: how many went through it, each as often as it did.
            teacher: what answered on the same samples, if anything did.
            asked: samples on which it did, all of them by default: answers may be remembered.
        """
        self.spend(flops(module, inputs, backward=True) * samples)
        if teacher is not None:
            self.spend(flops(teacher, inputs) * (samples if asked is None else asked))

    def spend(self, training_flops: float) -> None:
        """Book training FLOPs counted elsewhere on the stage that is open."""
        name = self._open[-1] if self._open else UNNAMED
        cost = StageCost(training_flops=training_flops)
        self._stages[name] = self._stages.get(name, StageCost()).plus(cost)
        self._keep()

    def summary(self) -> LedgerSummary:
        """What was spent up to now, the open stage included."""
        self._book()
        return LedgerSummary(stages=dict(self._stages), full_training_flops=self._full)

    def _keep(self) -> None:
        """Write down what was spent; a reader never sees half of it."""
        if self._file is not None:
            write_text_atomic(self._file, self.summary().model_dump_json(indent=1))

    def _book(self) -> None:
        """Give the time since the last booking to the stage that was open meanwhile."""
        now = (self._wall(), self._cpu())
        if self._open:
            spent = StageCost(wall_s=now[0] - self._since[0], cpu_s=now[1] - self._since[1])
            self._stages[self._open[-1]] = self._stages[self._open[-1]].plus(spent)
        self._since = now


def _read(file: Path | None) -> LedgerSummary:
    if file is None or not file.is_file():
        return LedgerSummary()
    try:
        return LedgerSummary.model_validate_json(file.read_bytes())
    except ValidationError:
        raise InputError(f"{file} is not a ledger: remove it to count from zero") from None
