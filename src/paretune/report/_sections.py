"""The page's tables as rows of text."""

from __future__ import annotations

from typing import Any

from paretune.artifact import headline
from paretune.core import Estimate, Ledger, Result, VariantRecord
from paretune.report import text
from paretune.report.quantisation import Effect

#: Layers of the per-layer table.
LAYERS = 40


def effect(effect: Effect) -> dict[str, str]:
    """int8 against f32 in one runtime."""
    ratio = effect.ratio
    change, _, sure = text.change(effect.drop).partition(" (")
    return {
        "runtime": effect.runtime,
        "recipe": effect.recipe,
        "f32": text.milliseconds(effect.f32_ms),
        "int8": text.milliseconds(effect.int8_ms),
        "ratio": "" if ratio is None else f"{ratio.value:.2f}x",
        "sure": "" if ratio is None else f"{ratio.ci95[0]:.2f} to {ratio.ci95[1]:.2f}",
        "kind": "" if ratio is None else _kind(ratio),
        "change": change,
        "change_sure": sure.removesuffix(")"),
        # The table of all variants has the whole reason.
        "outcome": text.cut(effect.outcome, 200),
    }


def _kind(ratio: Estimate) -> str:
    if not ratio.differs_from_one:
        return "same"
    return "faster" if ratio.value > 1 else "slower"


def row(record: VariantRecord, result: Result) -> dict[str, str]:
    """A variant with its figures and why it lost."""
    latency, score = record.latency_ms, record.accuracy
    role = "chosen" if record.id == result.chosen else ""
    if not role and record.id == result.baseline:
        role = "baseline"
    return {
        "role": role,
        "status": record.status,
        "id": record.id,
        "architecture": text.found(record, result),
        "runtime": record.runtime,
        "precision": " ".join(part for part in (record.precision, record.recipe) if part),
        "run": f"{record.threads} / {record.streams} / {record.batch}",
        "p50": text.milliseconds(latency.p50) if latency else "",
        "ci": text.interval(latency) if latency else "",
        "p95": text.milliseconds(latency.p95) if latency else "",
        "throughput": text.significant(record.throughput_per_s) if record.throughput_per_s else "",
        "accuracy": text.percent(score.value) if score else "",
        "change": text.change(score.drop) if score and record.id != result.baseline else "",
        "size": text.significant(record.size_mb) if record.size_mb else "",
        "memory": f"{record.peak_memory_mb:,.0f}" if record.peak_memory_mb else "",
        "why": text.status(record, result),
    }


def counts(result: Result) -> str:
    """How many variants of which fate."""
    states = [record.status for record in result.variants]
    parts = [headline.plural(len(states), "variant")]
    parts += [f"{states.count(s)} {s}" for s in ("rejected", "failed") if s in states]
    return ", ".join(parts)


def layers(result: Result) -> list[dict[str, Any]]:
    """The slowest layers of baseline and chosen, as text."""
    tables = []
    for name in dict.fromkeys([result.chosen, result.baseline]):
        layers = result.layers.get(name)
        if not layers:
            continue
        role = "Chosen" if name == result.chosen else "Baseline"
        total = sum(layer.microseconds for layer in layers)
        ranked = sorted(layers, key=lambda layer: -layer.microseconds)[:LAYERS]
        rows = [
            (
                layer.name,
                layer.op,
                layer.kernel,
                layer.precision or "untold",
                text.significant(layer.microseconds),
                f"{layer.microseconds / total:.1%}" if total else "",
            )
            for layer in ranked
        ]
        title = f"{role}: {text.short(result.variant(name), result)}"
        if len(layers) > len(rows):
            title += f" (slowest {len(rows)} of {len(layers)} layers)"
        tables.append({"title": title, "rows": rows})
    return tables


def machine(result: Result) -> list[tuple[str, str]]:
    """The machine, its software and the data."""
    target, data = result.target, result.dataset
    quota = "" if target.cpu_quota is None else f", limited to {target.cpu_quota:g} by a quota"
    labels = "labelled" if data.labelled else "without labels"
    skipped = f"; {data.skipped} unreadable samples left out" if data.skipped else ""
    rows = [
        ("CPU", target.cpu),
        ("Instruction sets", ", ".join(target.isa) or "none known"),
        ("Cores", f"{target.physical_cores} physical, {target.logical_cores} logical{quota}"),
        ("Memory", f"{target.memory_mb:,.0f} MB"),
        ("Caches", ", ".join(f"{level} {size:,} kB" for level, size in target.caches.items())),
        ("System", target.os),
        ("Versions", ", ".join(f"{name} {v}" for name, v in sorted(target.versions.items()))),
        (
            "Data",
            f"{data.name} ({labels}): {data.train} train, {data.search} search, "
            f"{data.holdout} holdout{skipped}",
        ),
    ]
    if target.isa_cap:
        rows.insert(2, ("ISA cap", target.isa_cap))
    rows += [("GPU", f"{gpu.name}, {gpu.memory_mb:,.0f} MB") for gpu in target.gpus]
    return [(name, value) for name, value in rows if value]


def ledger(result: Result) -> list[tuple[str, str]]:
    """What the run spent."""
    spent = result.ledger
    rows = [("Wall time", _duration(spent.wall_s)), ("CPU time", _duration(spent.cpu_s))]
    rows += [(f"Stage {name}", _stage(spent, name)) for name in spent.stages_s]
    if spent.training_flops:
        rows.append(("Training", f"{spent.training_flops:.3g} FLOPs"))
        rows.append(("Full-training equivalents", f"{spent.full_training_equivalents:.3g}"))
    return rows


def _stage(spent: Ledger, name: str) -> str:
    """What a stage took, and what it trained."""
    parts = [_duration(spent.stages_s[name])]
    if name in spent.stages_cpu_s:
        parts.append(f"{_duration(spent.stages_cpu_s[name])} of CPU time")
    if flops := spent.stages_flops.get(name):
        share = flops / spent.training_flops * spent.full_training_equivalents
        parts.append(f"{flops:.3g} training FLOPs, {share:.2g} full trainings")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
