"""What a search stands on, and what it comes back with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paretune.core import Estimate, Model, Progress, SearchSummary, Target
from paretune.data import ArrayFolder
from paretune.engine import Engine
from paretune.runtimes.base import Settings
from paretune.search.ledger import Ledger
from paretune.search.proposals import Proposals
from paretune.store import Store

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Finalist:
    """An architecture that came through to the end.

    Attributes:
        name: of the architecture, such as `net+s1`.
        module: trained, in eval mode.
        ids: its options, in order.
        speed: the baseline's latency over its own, both int8, as the search measured it.
    """

    name: str
    module: nn.Module
    ids: tuple[str, ...]
    speed: float


@dataclass(frozen=True)
class Found:
    """What a search comes back with.

    Attributes:
        finalists: best first, empty where nothing served.
        summary: for the result.
        proposals: what every block might have become.
        reason: why there is no finalist, empty where there is one.
    """

    finalists: tuple[Finalist, ...]
    summary: SearchSummary
    proposals: Proposals
    reason: str = ""


@dataclass(frozen=True)
class Ground:
    """What a search stands on.

    Attributes:
        model: the baseline, with its module.
        train: inputs of the train split, all of them.
        search: inputs of the search split.
        judge: score of a module on the search split, higher is better.
        own: the baseline's score there.
        least: score that a finished network must have.
        most_ms: latency that a finished network may have, milliseconds.
        least_speed: by how much it must be faster than the baseline, both as int8; 0 for no matter.
        target, engine, store: where it must be fast, where work is done, what is remembered.
        checkpoints: folder for what a killed search goes on from.
        settings: threads and batch that networks are timed with.
        seed: of every choice.
        ledger: told what is spent.
        progress: told what happens.
    """

    model: Model
    train: ArrayFolder
    search: ArrayFolder
    judge: Callable[[nn.Module], float]
    own: Estimate
    least: float
    most_ms: float
    least_speed: float
    target: Target
    engine: Engine
    store: Store
    checkpoints: Path
    settings: Settings
    seed: int
    ledger: Ledger
    progress: Progress

    @property
    def scores(self) -> bool:
        """Whether outputs of shape (n, classes) are class scores."""
        return self.model.task == "classification"
