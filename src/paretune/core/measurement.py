"""What was measured of one variant on one target; every figure with its interval."""

from __future__ import annotations

from typing import Literal

from paretune.core._base import Noun
from paretune.core.variant import Variant

Ci95 = tuple[float, float]


class Estimate(Noun):
    """A value with its 95 % interval."""

    value: float
    ci95: Ci95

    @property
    def differs_from_one(self) -> bool:
        """Whether a ratio is a difference: its interval does not contain 1."""
        return not self.ci95[0] <= 1.0 <= self.ci95[1]

    def times(self, factor: float) -> Estimate:
        """The value and its interval, times a number above 0."""
        low, high = self.ci95
        return Estimate(value=self.value * factor, ci95=(low * factor, high * factor))


class Latency(Noun):
    """Milliseconds per call; `ci95` is the interval of the median, `n` the calls kept."""

    p50: float
    p95: float
    p99: float
    ci95: Ci95
    n: int


class Score(Noun):
    """Accuracy (or another metric, higher is better) on a split, as a fraction.

    Attributes:
        split: `search` or `holdout`.
        value: the metric.
        ci95: Wilson interval for a proportion, bootstrap for other metrics.
        n: samples.
        top5: top-5 accuracy of a classifier with more than five classes.
        agreement: share of samples where the top-1 class equals the baseline's.
        kl: mean Kullback-Leibler divergence from the baseline's distribution, nats.
        kl_ci95: of `kl`, by bootstrap.
        drop: paired drop against the baseline on the same samples (positive is worse).
    """

    split: str
    value: float
    ci95: Ci95
    n: int
    top5: float | None = None
    agreement: float | None = None
    kl: float | None = None
    kl_ci95: Ci95 | None = None
    drop: Estimate | None = None


class LayerTime(Noun):
    """Time of one executed layer.

    Attributes:
        name: the layer's name in the runtime.
        op: operator type.
        kernel: the kernel the runtime executed, where it tells.
        precision: the precision actually executed, such as `int8` or `f32`; empty if untold.
        microseconds: mean time per call.
        macs: multiply-accumulates of a call; None where the runtime does not tell shapes.
        moved: bytes of its inputs, weights and outputs; None where that is untold.
    """

    name: str
    op: str
    kernel: str = ""
    precision: str = ""
    microseconds: float
    macs: int | None = None
    moved: int | None = None


class VariantRecord(Noun):
    """A variant with everything measured of it: one entry of `variants` in the contract."""

    id: str
    architecture: str
    runtime: str
    precision: str
    recipe: str = ""
    device: str = "cpu"
    threads: int
    streams: int
    batch: int
    status: Literal["ok", "failed", "rejected"]
    reason: str = ""
    latency_ms: Latency | None = None
    throughput_per_s: float | None = None
    throughput_ci95: Ci95 | None = None
    peak_memory_mb: float | None = None
    size_mb: float | None = None
    accuracy: Score | None = None
    cached: bool = False

    @classmethod
    def of(
        cls, variant: Variant, status: Literal["ok", "failed", "rejected"], reason: str = ""
    ) -> VariantRecord:
        """A record of `variant` with nothing measured yet."""
        fields = variant.model_dump()
        return cls(id=variant.id, status=status, reason=reason, **fields)
