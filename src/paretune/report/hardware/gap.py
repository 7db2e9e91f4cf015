"""The gap: how many times slower a CPU is than a GPU on one model, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from paretune.artifact.headline import describe
from paretune.core import BenchRecord, Ci95, Device, InputError, Noun, VariantRecord
from paretune.report.hardware.common_models import Entry, models_in_common
from paretune.report.hardware.regimes import REGIMES, Regime, Timed, timed_in
from paretune.report.hardware.subjects import machine_name
from paretune.report.stages import CAME, QUANTISED, SEARCHED, best_of_stages

BEST = "at its best"
#: Stages that may cost accuracy.
GUARDED = (QUANTISED, SEARCHED)


class Bar(Noun):
    """One stage on one machine, against the GPU at its best.

    Attributes:
        stage: one of `paretune.report.stages.STAGES`, or `at its best` for a GPU.
        machine: what it ran on.
        record: the record that it comes from.
        variant: its id there.
        device: `cpu` or `cuda`.
        how: runtime, precision, recipe, and streams and batch where there are several.
        source: where a published figure comes from; empty where it was measured.
        value: milliseconds a call, or samples a second where the machine is saturated.
        ci95: of `value`; None where a published table has none.
        behind: how many times slower than the GPU at its best.
        behind_ci95: of `behind`; the two machines' intervals taken together, as far as they are
            known. None for the GPU at its best.
        per_dollar: inferences for one USD, where the machine has a price.
        unscored: whether its accuracy may be another than the model's and was not measured.
    """

    stage: str
    machine: str
    record: str
    variant: str
    device: Device
    how: str
    source: str
    value: float
    ci95: Ci95 | None
    behind: float
    behind_ci95: Ci95 | None
    per_dollar: float | None
    unscored: bool = False


class Gap(Noun):
    """What separates CPUs from a GPU on one model.

    Attributes:
        model: its name.
        bars: by regime, CPUs in the order of the trip, then GPUs; those regimes alone in which both
            were measured.
        missing: what the records do not hold, one sentence each.
    """

    model: str
    bars: dict[Regime, tuple[Bar, ...]]
    missing: tuple[str, ...]

    @property
    def unscored(self) -> tuple[str, ...]:
        """Programs whose accuracy may be another than the model's and was not measured."""
        bars = [bar for found in self.bars.values() for bar in found if bar.unscored]
        return tuple(dict.fromkeys(bar.variant.rpartition("/")[0] for bar in bars))


class Gaps(Noun):
    """What separates CPUs from a GPU on every model that was measured on both.

    Attributes:
        models: in the order of their names.
    """

    models: tuple[Gap, ...]

    def nearest(self, regime: Regime) -> list[Gap]:
        """Models that were measured in a regime, those whose CPU comes closest to the GPU first."""
        known = [one for one in self.models if regime in one.bars]
        return sorted(
            known, key=lambda one: min(b.behind for b in one.bars[regime] if b.device == "cpu")
        )


def gaps(
    records: Mapping[str, BenchRecord],
    *,
    model: str | None = None,
    prices: Mapping[str, float] | None = None,
) -> Gaps:
    """Set CPUs against the fastest GPU of some records.

    Records of one CPU are taken together: a bench may have the model as it came and a run what a
    search made of it.

    Args:
        records: by name; of CPUs and of at least one GPU.
        model: its name as `model_name` writes it, or without the image's size where there is one
            size; by default all that a CPU and a GPU have in common.
        prices: USD an hour by the name of a record, of whose machine it is.

    Raises:
        InputError: no CPU, no GPU, no model in common; a price of a record that is not there or is
            not above 0.
    """
    prices = prices or {}
    for name, price in prices.items():
        if name not in records:
            raise InputError(f"--price {name}: there is no record {name}: {', '.join(records)}")
        if not 0 < price < math.inf:
            raise InputError(f"--price {name}={price} must be above 0: give USD an hour")
    known = models_in_common(records, model)
    costs = _costs(records, prices)
    return Gaps(models=tuple(_gap(name, entries, costs) for name, entries in known.items()))


def _costs(
    records: Mapping[str, BenchRecord], prices: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """USD an hour by machine and device: a machine has one price, however many records it has.

    Raises:
        InputError: it was given two.
    """
    found: dict[tuple[str, str], float] = {}
    for name, price in prices.items():
        for device in {variant.device for variant in records[name].variants}:
            machine = machine_name(records[name], device)
            if found.setdefault((machine, device), price) != price:
                raise InputError(f"--price {name}={price}: {machine} has another price already")
    return found


def _gap(name: str, entries: list[Entry], prices: Mapping[tuple[str, str], float]) -> Gap:
    """Of one model, from all that was measured of it."""
    cpus = [entry for entry in entries if entry[2].device == "cpu"]
    natives = {
        machine: _native([e for e in cpus if machine_name(e[1], "cpu") == machine])
        for machine in {machine_name(record, "cpu") for _, record, _ in cpus}
    }
    bars: dict[Regime, tuple[Bar, ...]] = {}
    missing = []
    for regime in REGIMES:
        timed = [one for entry in entries if (one := timed_in(*entry, regime)) is not None]
        found = _bars(timed, natives, prices)
        if {bar.device for bar in found} == {"cpu", "cuda"}:
            bars[regime] = found
        else:
            missing.append(f"{regime}: no {'CPU' if found else 'GPU'} was measured so")
    return Gap(model=name, bars=bars, missing=tuple(missing))


def _bars(
    timed: list[Timed], natives: Mapping[str, str], prices: Mapping[tuple[str, str], float]
) -> tuple[Bar, ...]:
    """Every stage of every machine; nothing without a GPU.

    Args:
        timed: in one regime.
        natives: the runtime that the model came in, by CPU.
        prices: USD an hour by machine and device.
    """
    gpus, cpus = _by_machine(timed, "cuda"), _by_machine(timed, "cpu")
    if not gpus:
        return ()
    reference = _fastest([one for own in gpus.values() for one in own])
    picked: list[tuple[str, Timed]] = []
    for machine, own in cpus.items():
        owner = {id(one.variant): one for one in own}  # two records may name a variant alike
        seconds = {key: one.seconds for key, one in owner.items()}
        native = natives[machine]
        stages = best_of_stages(
            [one.variant for one in own],
            native=native,
            searched=lambda variant: "+" in variant.architecture,
            came=partial(_came, native=native),
            cost=partial(_cost, seconds=seconds),
        )
        picked += [(stage, owner[id(variant)]) for stage, variant in stages]
    for own in gpus.values():
        came = [one for one in own if _came(one.variant, "torch-eager")]
        picked += [(CAME, _fastest(came))] if came else []
        picked.append((BEST, _fastest(own)))
    return tuple(_bar(stage, one, reference, prices) for stage, one in picked)


def _by_machine(timed: list[Timed], device: Device) -> dict[str, list[Timed]]:
    found: dict[str, list[Timed]] = {}
    for one in timed:
        if one.variant.device == device:
            found.setdefault(one.machine, []).append(one)
    return found


def _fastest(several: list[Timed]) -> Timed:
    return min(several, key=lambda one: one.seconds)


def _bar(stage: str, one: Timed, reference: Timed, prices: Mapping[tuple[str, str], float]) -> Bar:
    variant, behind = one.variant, one.seconds / reference.seconds
    # Medians of two machines are independent: half-widths add up in quadrature on a log scale.
    # Nothing is uncertain about the reference against itself.
    both = () if one is reference else (one.ci95, reference.ci95)
    known = [half for ci95 in both if (half := _half(ci95)) is not None]
    half = math.sqrt(sum(h * h for h in known))
    price = prices.get((one.machine, variant.device))
    return Bar(
        stage=stage,
        machine=one.machine,
        record=one.name,
        variant=variant.id,
        device="cuda" if variant.device == "cuda" else "cpu",
        how=_how(variant),
        source=one.record.source,
        value=one.value,
        ci95=one.ci95,
        behind=behind,
        behind_ci95=(behind * math.exp(-half), behind * math.exp(half)) if known else None,
        per_dollar=None if price is None else 3600 / one.seconds / price,
        unscored=stage in GUARDED and variant.accuracy is None,
    )


def _how(variant: VariantRecord) -> str:
    """Runtime, precision and recipe, and what is not one at a time."""
    parts = [describe(variant)]
    if variant.streams > 1:
        parts.append(f"{variant.streams} streams")
    if variant.batch > 1:
        parts.append(f"batch {variant.batch}")
    return ", ".join(parts)


def _half(ci95: Ci95 | None) -> float | None:
    """Half of an interval's width on a log scale."""
    return None if ci95 is None else math.log(ci95[1] / ci95[0]) / 2


def _came(variant: VariantRecord, native: str) -> bool:
    """Whether a variant is a model as it came."""
    return variant.runtime == native and variant.precision == "f32" and not variant.recipe


def _cost(variant: VariantRecord, seconds: Mapping[int, float]) -> float:
    return seconds[id(variant)]


def _native(entries: list[Entry]) -> str:
    """The runtime that a model came in: PyTorch's where it ran at all, else that of a baseline."""
    runtimes = {variant.runtime for _, _, variant in entries if variant.status == "ok"}
    if "torch-eager" in runtimes:
        return "torch-eager"
    named = [variant.runtime for _, record, variant in entries if variant.id == record.baseline]
    return named[0] if named else "torch-eager"
