"""The time that a run's pictures are drawn by: of a call, or of a sample where those count."""

from __future__ import annotations

from paretune.core import UNDER_LOAD, Estimate, VariantRecord


def pace(record: VariantRecord, objective: str) -> Estimate | None:
    """Milliseconds of a call, or of a sample with all streams busy; None where not measured.

    Args:
        record: the variant.
        objective: one of `OBJECTIVES`, which decides.
    """
    if objective not in UNDER_LOAD:
        latency = record.latency_ms
        return None if latency is None else Estimate(value=latency.p50, ci95=latency.ci95)
    rate, sure = record.throughput_per_s, record.throughput_ci95
    if rate is None or sure is None:
        return None
    return Estimate(value=1000 / rate, ci95=(1000 / sure[1], 1000 / sure[0]))


def title(objective: str) -> str:
    """What `pace` is, for an axis."""
    if objective in UNDER_LOAD:
        return "milliseconds a sample, all streams busy"
    return "latency, milliseconds a call"


def alike(record: VariantRecord, other: VariantRecord, objective: str) -> bool:
    """Whether two variants' paces may be compared: calls of one size, samples always."""
    return objective in UNDER_LOAD or record.batch == other.batch
