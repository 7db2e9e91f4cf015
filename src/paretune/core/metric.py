"""The figures that constraints limit and objectives minimise: their names, units and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paretune.core.measurement import Score, VariantRecord

_TIME = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_BYTES = {"KB": 1e-3, "MB": 1.0, "GB": 1e3}


@dataclass(frozen=True)
class Figure:
    """One measured figure of a variant.

    Attributes:
        name: as it stands in a constraint.
        unit: the canonical unit that its values are in, as printed.
        label: for tables and charts.
        units: what a user may write after a number -> factor to the canonical unit.
        higher_is_better: whether more of it is good.
    """

    name: str
    unit: str
    label: str
    units: Mapping[str, float] = field(repr=False)
    higher_is_better: bool = False


FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("latency_p50", "ms", "Latency (median)", _TIME),
        Figure("latency_p95", "ms", "Latency (p95)", _TIME),
        Figure("latency_p99", "ms", "Latency (p99)", _TIME),
        Figure("throughput", "per s", "Throughput", {"per_s": 1.0}, higher_is_better=True),
        Figure("size", "MB", "Size on disk", _BYTES),
        Figure("memory", "MB", "Peak memory", _BYTES),
        Figure("accuracy", "", "Accuracy", {"pt": 1e-2, "%": 1e-2}, higher_is_better=True),
        Figure("divergence", "nats", "Divergence from the baseline", {"nats": 1.0, "nat": 1.0}),
        Figure("cost", "USD per million", "Cost of a million inferences", {"usd": 1.0}),
    )
}
#: Figures of how good outputs are, not of how they are come by.
QUALITY = ("accuracy", "divergence")
#: Other names of figures.
ALIASES = {"latency": "latency_p50"}


def measured(
    record: VariantRecord, figure: str, *, price_per_hour: float | None = None
) -> float | None:
    """A figure of a record in its canonical unit, None where it was not measured.

    Args:
        record: the variant.
        figure: a name of `FIGURES` or `ALIASES`.
        price_per_hour: USD an hour of the machine, for `cost`.
    """
    name = ALIASES.get(figure, figure)
    if name.startswith("latency_"):
        latency = record.latency_ms
        return None if latency is None else float(getattr(latency, name.removeprefix("latency_")))
    if name in QUALITY:
        return None if record.accuracy is None else quality(record.accuracy, name)
    if name == "cost":
        return cost_per_million(record.throughput_per_s, price_per_hour)
    attribute = {"throughput": "throughput_per_s", "size": "size_mb", "memory": "peak_memory_mb"}
    value: float | None = getattr(record, attribute[name])
    return value


def quality(score: Score, figure: str) -> float | None:
    """A figure of `QUALITY` of scored outputs; None where the model gives no class scores."""
    return score.value if figure == "accuracy" else score.kl


def cost_per_million(throughput_per_s: float | None, price_per_hour: float | None) -> float | None:
    """USD that a million inferences cost on a machine kept busy, None where a part is unknown.

    Args:
        throughput_per_s: samples per second.
        price_per_hour: USD an hour of the machine.
    """
    if not throughput_per_s or price_per_hour is None:
        return None
    return price_per_hour / (throughput_per_s * 3600) * 1e6
