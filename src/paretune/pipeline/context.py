"""What every stage of a run shares."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import fmean

from paretune.compress import Builds
from paretune.core import Condition, Device, Model, Precision, Progress, Score, Target, Variant
from paretune.data import ArrayFolder, Dataset
from paretune.engine import Actor, Engine
from paretune.measure import Metric, open_host
from paretune.pipeline.request import Request
from paretune.runtimes.base import Program, Settings
from paretune.store import Store


@dataclass(frozen=True)
class Shares:
    """By which share of the budget each stage must be done; the rest is for holdout and report.

    Attributes:
        screened: the first pass: build, score, screen.
        raced: the final race.
        compared: the final comparison.
    """

    screened: float = 0.65
    raced: float = 0.75
    compared: float = 0.92


@dataclass
class Context:
    """One run in progress.

    Attributes:
        request: what was asked for.
        model, dataset, target: what it is about.
        store, engine, builds: how work is done and remembered.
        progress: who is told.
        metric: what accuracy means here.
        search: the samples every choice is made on.
        deadline: `time.monotonic()` at which the budget ends.
        shares: of the budget, by stage.
        conditions: what a reader of the figures should know, collected on the way.
        reused: measurements that came from the store.
        taken: measurements taken now.
        opened: seconds that each session so far took to open.
    """

    request: Request
    model: Model
    dataset: Dataset
    target: Target
    store: Store
    engine: Engine
    builds: Builds
    progress: Progress
    metric: Metric
    search: ArrayFolder
    deadline: float
    shares: Shares = Shares()
    conditions: list[Condition] = field(default_factory=list)
    reused: int = 0
    taken: int = 0
    opened: list[float] = field(default_factory=list)

    @property
    def device(self) -> Device:
        """Where variants run; checked with the request."""
        return "cuda" if self.request.device == "cuda" else "cpu"

    @property
    def threads(self) -> int:
        """Most threads a variant may use."""
        return self.request.most_threads(self.target)

    @property
    def openings(self) -> int:
        """How many processes may start at once without disturbing each other.

        One where they run on the CPU; for a GPU, most of whose time starting takes is Python's,
        half of the cores.
        """
        return max(1, self.target.usable_cores // 2) if self.device == "cuda" else 1

    @property
    def opening_s(self) -> float:
        """Seconds that a session takes to open, as far as seen: 0 where all came from the store."""
        return fmean(self.opened) if self.opened else 0.0

    def left(self, share: float = 1.0) -> float:
        """Seconds until that share of the budget is spent; negative when it has been."""
        return self.deadline - (1 - share) * self.request.budget_s - time.monotonic()

    def tell(self, kind: str, text: str) -> None:
        """Record a condition and tell the user."""
        self.conditions.append(Condition(kind=kind, text=text))
        self.progress.note(text)

    def variant(
        self, program: Program, threads: int, *, streams: int = 1, batch: int | None = None
    ) -> Variant:
        """The variant that runs `program` so."""
        return self.variant_of(
            program.runtime, program.precision, program.recipe, threads, streams, batch
        )

    def variant_of(
        self,
        runtime: str,
        precision: Precision,
        recipe: str,
        threads: int,
        streams: int = 1,
        batch: int | None = None,
    ) -> Variant:
        """The variant of this model that runs so, whether or not a program of it exists."""
        return Variant(
            architecture=self.model.architecture,
            runtime=runtime,
            precision=precision,
            recipe=recipe,
            device=self.device,
            threads=threads,
            streams=streams,
            batch=batch or self.request.batch,
        )

    def open(self, program: Program, variant: Variant, *, profile: bool = False) -> Actor:
        """A warmed-up process that runs `program` as `variant` says, on `search` samples."""
        settings = Settings.of(variant, profile=profile)
        began = time.monotonic()
        actor = open_host(self.engine, program, settings, self.search)
        self.opened.append(time.monotonic() - began)
        return actor


@dataclass(frozen=True)
class Candidate:
    """A program with its score on `search`.

    Attributes:
        program: ready to load.
        key: everything that decides what it is, for the store.
        score: on `search`.
        reason: why it may not be chosen, empty when it may.
        must: whether it is timed even where the budget is spent.
    """

    program: Program
    key: dict[str, object]
    score: Score
    reason: str = ""
    must: bool = False
