"""A variant in a regime: one call at a time, or all that the device can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from paretune.core import BenchRecord, Ci95, VariantRecord
from paretune.report.hardware.subjects import call_ms, machine_name

Regime = Literal["one call at a time", "saturated"]
REGIMES: tuple[Regime, ...] = ("one call at a time", "saturated")
UNITS: dict[Regime, str] = {"one call at a time": "ms", "saturated": "a second"}


@dataclass(frozen=True)
class Timed:
    """A variant that was measured in a regime: its figure in `UNITS`, and seconds a sample."""

    name: str
    record: BenchRecord
    variant: VariantRecord
    value: float
    ci95: Ci95 | None
    seconds: float

    @property
    def machine(self) -> str:
        """What it ran on, in a few words."""
        return machine_name(self.record, self.variant.device)


def timed_in(
    name: str, record: BenchRecord, variant: VariantRecord, regime: Regime
) -> Timed | None:
    """In milliseconds of a call with one sample, or in samples a second; None if not so measured.

    Args:
        name: of the record.
        record: that the variant is of.
        variant: any.
        regime: which of `REGIMES`.
    """
    if regime == "saturated":
        rate = variant.throughput_per_s
        if not rate or not _busy(variant):
            return None
        return Timed(name, record, variant, rate, variant.throughput_ci95, 1 / rate)
    found = call_ms(variant) if variant.batch == 1 else None
    return None if found is None else Timed(name, record, variant, *found, found[0] / 1000)


def _busy(variant: VariantRecord) -> bool:
    """Whether a device had all that it can do: a GPU has not, with one sample at a time.

    All cores of a CPU share the work of one sample. Streams that were doubled until nothing was
    gained may have been one, whose calls were not timed one by one.
    """
    several = variant.batch > 1 or variant.streams > 1
    doubled = variant.latency_ms is None and variant.throughput_ci95 is not None
    return variant.device == "cpu" or several or doubled
