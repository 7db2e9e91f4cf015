"""`result.json` and bench records: the contract that scripts rely on (`schema` 1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from paretune.core._base import Noun
from paretune.core.measurement import Estimate, LayerTime, Score, VariantRecord
from paretune.core.search_summary import SearchSummary
from paretune.core.target import Target

SCHEMA = 1


class DatasetSummary(Noun):
    """Samples per split and the metric that choices are made on.

    Attributes:
        metric: `top1`, `agreement` (no labels), or the name of a metric function.
        skipped: unreadable samples that were left out.
    """

    name: str
    train: int
    search: int
    holdout: int
    metric: str
    labelled: bool
    skipped: int = 0


class ConstraintResult(Noun):
    """A constraint as the chosen variant meets it; `value` is in the constraint's own unit."""

    text: str
    satisfied: bool
    value: float | None


class Holdout(Noun):
    """The one reading of the holdout split."""

    baseline: Score
    chosen: Score
    drop: Estimate


class Ratios(Noun):
    """Interleaved latency ratios of the chosen variant; above 1 is faster than the reference."""

    latency_vs_baseline: Estimate
    latency_vs_best_compiled_baseline: Estimate
    latency_vs_best_f32: Estimate | None = None


class Ledger(Noun):
    """What the run spent; training figures are 0 where nothing was trained.

    Attributes:
        training_flops: of everything that was trained, teachers' forward passes included.
        full_training_equivalents: the same in full trainings of the baseline.
        stages_s: wall seconds by stage, those within another in no other's account.
        stages_cpu_s: CPU seconds by stage of a search.
        stages_flops: training FLOPs by stage that trained.
    """

    wall_s: float
    cpu_s: float
    training_flops: float = 0.0
    full_training_equivalents: float = 0.0
    stages_s: dict[str, float] = {}
    stages_cpu_s: dict[str, float] = {}
    stages_flops: dict[str, float] = {}


class Condition(Noun):
    """Something that a reader of the figures should know.

    Attributes:
        kind: `noise`, `frequency`, `drift`, `quota`, `fallback`, `cache`, `budget`, `holdout`,
            `labels`, `baseline`, `outputs` or `emulated`.
        text: one sentence.
    """

    kind: str
    text: str


class Result(Noun):
    """Everything one `optimize` request found: written as `result.json`.

    Attributes:
        inputs: shape of one sample's first input by architecture, such as (3, 224, 224).
    """

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    model: str
    target: Target
    dataset: DatasetSummary
    objective: str
    baseline: str
    best_compiled_baseline: str
    chosen: str
    constraints: tuple[ConstraintResult, ...]
    variants: tuple[VariantRecord, ...]
    frontier: tuple[str, ...] = ()
    holdout: Holdout
    ratios: Ratios
    ledger: Ledger
    conditions: tuple[Condition, ...] = ()
    layers: dict[str, tuple[LayerTime, ...]] = {}
    how_measured: dict[str, str] = {}
    search: SearchSummary | None = None
    inputs: dict[str, tuple[int, ...]] = {}

    def variant(self, variant_id: str) -> VariantRecord:
        """The record with that id."""
        return next(v for v in self.variants if v.id == variant_id)


class BenchRatio(Noun):
    """Interleaved ratio of one variant against the bench's baseline; above 1 is faster."""

    id: str
    latency: Estimate


class BenchRecord(Noun):
    """What `bench --json` writes.

    Attributes:
        baseline: id of the variant that `ratios` are against.
        kernels: share of a variant's time by executed kernel, by id; read only under an ISA cap.
        inputs: shape of one sample's first input by architecture, such as (3, 224, 224).
        digests: of each model as it was measured, weights and all, by architecture.
        data: name of the data set that accuracies were measured on; empty where there are none.
        metric: what accuracy means there; empty where there is none.
        origin: `published` where somebody else measured; such a record has no intervals.
        source: where a published record comes from.
    """

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    target: Target
    variants: tuple[VariantRecord, ...]
    baseline: str | None = None
    ratios: tuple[BenchRatio, ...] = ()
    conditions: tuple[Condition, ...] = ()
    kernels: dict[str, dict[str, float]] = {}
    inputs: dict[str, tuple[int, ...]] = {}
    digests: dict[str, str] = {}
    data: str = ""
    metric: str = ""
    origin: Literal["measured", "published"] = "measured"
    source: str = ""
