"""The gap: how many times slower a CPU is than a GPU on one model, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Literal

from paretune.artifact.headline import describe
from paretune.core import BenchRecord, Ci95, Device, InputError, Noun, VariantRecord
from paretune.report.stages import CAME, best_of_stages
from paretune.report.subjects import call_ms, machine_name, model_name

Regime = Literal["one call at a time", "saturated"]
REGIMES: tuple[Regime, ...] = ("one call at a time", "saturated")
UNITS: dict[Regime, str] = {"one call at a time": "ms", "saturated": "a second"}
BEST = "at its best"


class Bar(Noun):
    """One stage on one machine, against the GPU at its best.

    Attributes:
        stage: one of `paretune.report.stages.STAGES`, or `at its best` for a GPU.
        machine: what it ran on.
        record: the record that it comes from.
        variant: its id there.
        device: `cpu` or `cuda`.
        how: runtime, precision, recipe, and the batch where it is not one sample.
        source: where a published figure comes from; empty where it was measured.
        value: milliseconds a call, or samples a second where the machine is saturated.
        ci95: of `value`; None where a published table has none.
        behind: how many times slower than the GPU at its best.
        behind_ci95: of `behind`; the two machines' intervals taken together, as far as they are
            known.
        per_dollar: inferences for one USD, where the machine has a price.
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


class Gap(Noun):
    """What separates CPUs from a GPU on one model.

    Attributes:
        model: its name.
        bars: by regime, CPUs in the order of the trip, then GPUs; empty where there is no GPU.
        missing: what the records do not hold, one sentence each.
    """

    model: str
    bars: dict[Regime, tuple[Bar, ...]]
    missing: tuple[str, ...]


def gap(
    records: Mapping[str, BenchRecord],
    *,
    model: str | None = None,
    prices: Mapping[str, float] | None = None,
) -> Gap:
    """Set CPUs against the fastest GPU of some records.

    Records of one CPU are taken together: a bench may have the model as it came and a run what a
    search made of it.

    Args:
        records: by name; of CPUs and of at least one GPU.
        model: its name as `model_name` writes it, or without the image's size; by default the only
            one that a CPU and a GPU have in common.
        prices: USD an hour by the name of a record.

    Raises:
        InputError: no CPU, no GPU, no model in common, or several where none was named; a price of
            a record that is not there or is not above 0.
    """
    prices = prices or {}
    for name, price in prices.items():
        if name not in records:
            raise InputError(f"--price {name}: there is no record {name}: {', '.join(records)}")
        if not 0 < price < math.inf:
            raise InputError(f"--price {name}={price} must be above 0: give USD an hour")
    name = _model(records, model)
    entries = [
        (record_name, record, variant)
        for record_name, record in records.items()
        for variant in record.variants
        if _base(model_name(record, variant.architecture), name) == name
    ]
    bars: dict[Regime, tuple[Bar, ...]] = {}
    missing = []
    for regime in REGIMES:
        found = _bars(entries, regime, prices)
        if found:
            bars[regime] = found
        else:
            missing.append(f"{regime}: no GPU was measured so")
    return Gap(model=name, bars=bars, missing=tuple(missing))


Entry = tuple[str, BenchRecord, VariantRecord]


def _bars(entries: list[Entry], regime: Regime, prices: Mapping[str, float]) -> tuple[Bar, ...]:
    """Every stage of every machine; nothing without a GPU."""
    gpus = [entry for entry in entries if entry[2].device == "cuda" and _value(entry[2], regime)]
    if not gpus:
        return ()

    def fastest(several: list[Entry]) -> Entry:
        return min(several, key=lambda entry: _seconds(entry[2], regime) or math.inf)

    reference = fastest(gpus)
    made: list[Bar] = []

    def add(stage: str, entry: Entry) -> None:
        made.append(_bar(stage, entry, reference, regime, prices))

    cpus = [entry for entry in entries if entry[2].device == "cpu"]
    for machine in dict.fromkeys(machine_name(record, "cpu") for _, record, _ in cpus):
        own = [entry for entry in cpus if machine_name(entry[1], "cpu") == machine]
        owner = {id(entry[2]): entry for entry in own}  # two records may name a variant alike
        native = _native(own)
        stages = best_of_stages(
            [variant for _, _, variant in own],
            native=native,
            searched=lambda variant: "+" in variant.architecture,
            came=partial(_came, native=native),
            cost=partial(_seconds, regime=regime),
        )
        for stage, variant in stages:
            add(stage, owner[id(variant)])
    for machine in dict.fromkeys(machine_name(record, "cuda") for _, record, _ in gpus):
        own = [entry for entry in gpus if machine_name(entry[1], "cuda") == machine]
        came = [entry for entry in own if _came(entry[2], "torch-eager")]
        if came:
            add(CAME, fastest(came))
        add(BEST, fastest(own))
    return tuple(made)


def _bar(
    stage: str, entry: Entry, reference: Entry, regime: Regime, prices: Mapping[str, float]
) -> Bar:
    name, record, variant = entry
    found, own = _value(reference[2], regime), _value(variant, regime)
    seconds, least = _seconds(variant, regime), _seconds(reference[2], regime)
    assert found is not None
    assert own is not None
    assert seconds is not None
    assert least is not None
    behind = seconds / least
    # Medians of two machines are independent: half-widths add up in quadrature on a log scale.
    halves = [_half(own), _half(found)]
    known = [half for half in halves if half is not None]
    half = math.sqrt(sum(h * h for h in known))
    price = prices.get(name)
    return Bar(
        stage=stage,
        machine=machine_name(record, variant.device),
        record=name,
        variant=variant.id,
        device="cuda" if variant.device == "cuda" else "cpu",
        how=describe(variant) + (f", batch {variant.batch}" if variant.batch > 1 else ""),
        source=record.source,
        value=own[0],
        ci95=own[1],
        behind=behind,
        behind_ci95=(behind * math.exp(-half), behind * math.exp(half)) if known else None,
        per_dollar=None if price is None else 3600 / seconds / price,
    )


def _value(variant: VariantRecord, regime: Regime) -> tuple[float, Ci95 | None] | None:
    """Milliseconds of a call with one sample, or samples a second, with the interval."""
    if regime == "saturated":
        rate = variant.throughput_per_s
        return None if rate is None else (rate, variant.throughput_ci95)
    return call_ms(variant) if variant.batch == 1 else None


def _seconds(variant: VariantRecord, regime: Regime) -> float | None:
    """Seconds a sample."""
    found = _value(variant, regime)
    if found is None:
        return None
    return 1 / found[0] if regime == "saturated" else found[0] / 1000


def _half(value: tuple[float, Ci95 | None]) -> float | None:
    """Half of an interval's width on a log scale."""
    ci95 = value[1]
    return None if ci95 is None else math.log(ci95[1] / ci95[0]) / 2


def _came(variant: VariantRecord, native: str) -> bool:
    """Whether a variant is a model as it came."""
    return variant.runtime == native and variant.precision == "f32" and not variant.recipe


def _native(entries: list[Entry]) -> str:
    """The runtime that a model came in: PyTorch's where it ran at all, else that of a baseline."""
    runtimes = {variant.runtime for _, _, variant in entries if variant.status == "ok"}
    if "torch-eager" in runtimes:
        return "torch-eager"
    named = [variant.runtime for _, record, variant in entries if variant.id == record.baseline]
    return named[0] if named else "torch-eager"


def _base(name: str, wanted: str) -> str:
    """A name without what a search added, and without the size where that was not asked for."""
    stem, _, size = name.partition("@")
    stem = stem.partition("+")[0]
    return f"{stem}@{size}" if size and "@" in wanted else stem


def _model(records: Mapping[str, BenchRecord], wanted: str | None) -> str:
    """The model that is asked for, or the only one that a CPU and a GPU have."""
    have: dict[str, set[str]] = {"cpu": set(), "cuda": set()}
    for record in records.values():
        for variant in record.variants:
            if variant.status == "ok":
                name = model_name(record, variant.architecture)
                have[variant.device].add(_base(name, wanted or "@"))
    if not have["cuda"]:
        raise InputError(
            "none of the records is of a GPU: measure one with paretune bench --device cuda --json "
            "FILE where there is one, or give a published table"
        )
    if not have["cpu"]:
        raise InputError("none of the records is of a CPU: add what paretune bench --json wrote")
    common = have["cpu"] & have["cuda"]
    if wanted is not None:
        name = _base(wanted.replace("-", "_").lower(), wanted)
        if name in common:
            return name
        lacking = "GPU" if name in have["cpu"] else "CPU"
        raise InputError(f"no record of a {lacking} has a model {wanted!r}")
    if len(common) == 1:
        return common.pop()
    if not common:
        some = ", ".join(sorted(have["cpu"])[:5])
        raise InputError(f"no model was measured on both a CPU and a GPU; the CPU has {some}")
    some = ", ".join(sorted(common)[:5])
    raise InputError(
        f"{len(common)} models were measured on both: give one by --model: {some}, ..."
    )
