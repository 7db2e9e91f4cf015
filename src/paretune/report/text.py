"""Figures and variants as readers see them, the same in tables, charts and pages."""

from __future__ import annotations

from collections.abc import Iterable

from paretune.artifact.headline import POINT, describe, plural
from paretune.core import Estimate, Latency, Result, VariantRecord, measured

#: Objectives where more is better sort the other way round; cost follows throughput.
_FIGURES = {"cost": "throughput"}


def by_objective(records: Iterable[VariantRecord], objective: str) -> list[VariantRecord]:
    """Best first: what may be chosen, then what was rejected, then what failed.

    Args:
        records: variants.
        objective: one of `OBJECTIVES`.
    """
    figure = _FIGURES.get(objective, objective)
    order = {"ok": 0, "rejected": 1, "failed": 2}

    def key(record: VariantRecord) -> tuple[int, float, str]:
        value = measured(record, figure)
        if value is None:
            return order[record.status], float("inf"), record.id
        return order[record.status], -value if figure == "throughput" else value, record.id

    return sorted(records, key=key)


def found(record: VariantRecord, result: Result) -> str:
    """The architecture that a search made of the model, such as `resnet56+s4`; "" for its own."""
    own = result.variant(result.baseline).architecture
    return "" if record.architecture == own else record.architecture


def short(record: VariantRecord, result: Result) -> str:
    """A variant, such as `openvino int8 fast, 2 threads`, after what a search made of the model."""
    name = found(record, result)
    parts = [f"{name}: {describe(record)}" if name else describe(record)]
    parts.append(plural(record.threads, "thread"))
    if record.streams > 1:
        parts.append(plural(record.streams, "stream"))
    if record.batch > 1:
        parts.append(f"batch {record.batch}")
    return ", ".join(parts)


def milliseconds(value: float | None) -> str:
    """Three significant digits: 0.00123, 2.62, 20.1, 412."""
    return "" if value is None else significant(value)


def significant(value: float) -> str:
    """Three significant digits, without exponent."""
    if value == 0:
        return "0"
    digits = 2
    size = abs(value)
    while size >= 10 and digits > 0:
        size, digits = size / 10, digits - 1
    while size < 1 and digits < 8:
        size, digits = size * 10, digits + 1
    return f"{value:,.{digits}f}"


def interval(latency: Latency) -> str:
    """Interval of a median."""
    return f"{significant(latency.ci95[0])} to {significant(latency.ci95[1])}"


def percent(value: float) -> str:
    """A fraction as a percentage."""
    return f"{value:.2%}"


def change(drop: Estimate | None) -> str:
    """A drop as a change in points with its interval: a drop of 0.3 reads -0.30 pt."""
    if drop is None:
        return ""
    if drop.value == drop.ci95[0] == drop.ci95[1] == 0:
        return "no change"
    low, high = sorted((-drop.ci95[0] * POINT, -drop.ci95[1] * POINT))
    return f"{-drop.value * POINT + 0.0:+.2f} pt ({low + 0.0:+.2f} to {high + 0.0:+.2f})"


def status(record: VariantRecord, result: Result) -> str:
    """The role of a variant, or why it lost."""
    roles = []
    if record.id == result.chosen:
        roles.append("chosen")
    if record.id == result.baseline:
        roles.append("baseline")
    if record.id == result.best_compiled_baseline and record.id != result.chosen:
        roles.append("best compiled baseline")
    said = [", ".join(roles)] if roles else []
    if record.status != "ok":
        said.append(record.status)
    if record.reason:
        said.append(record.reason)
    return ": ".join(said)


def cut(text: str, length: int) -> str:
    """At most `length` characters, the middle left out: both ends of a layer's name tell most."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"
