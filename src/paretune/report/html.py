"""`report.html`: one self-contained file that answers first and explains after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretune._version import __version__
from paretune.artifact import headline
from paretune.core import Estimate, Result, VariantRecord
from paretune.report import text
from paretune.report.charts import NARROW, WIDE, charts, to_svg
from paretune.report.charts._render import inline
from paretune.report.folder import made
from paretune.report.quantisation import Effect, effects, verdict
from paretune.store import paths

REPORT_FILE = "report.html"
#: Layers of the per-layer table.
LAYERS = 40
#: What each condition's `kind` is called.
KINDS = {
    "noise": "Noisy machine",
    "frequency": "Frequency drift",
    "quota": "CPU quota",
    "fallback": "Left out",
    "cache": "Reused measurements",
}
CAPTIONS = {
    "frontier": (
        "Latency and accuracy of every variant",
        "Bars are 95 % intervals; those of accuracy are paired with the baseline on the same "
        "samples. The dashed line is the frontier: the best accuracy to be had within a latency. "
        "Pale marks were rejected. Hover or tap a mark for its figures.",
    ),
    "stages": (
        "What each stage gained",
        "Fastest variant of each stage that meets the constraints. Ratios here are of medians "
        "against the model as it came; the headline's ratio is from interleaved rounds.",
    ),
    "sizes": (
        "Size and latency per precision",
        "The fastest variant of each program.",
    ),
    "layers": (
        "Where the time goes, layer by layer",
        "Slowest layers, coloured by the precision that the runtime really executed: layers "
        "without an int8 kernel run in f32 even in an int8 model. Profiling slows calls down, so "
        "the sums exceed the latency.",
    ),
}


def write(result: Result, folder: Path) -> Path:
    """Write `report.html` into `folder`, whole or not at all.

    Args:
        result: what the run found.
        folder: made if absent.

    Returns:
        The file.

    Raises:
        InputError: the folder cannot be written.
    """
    file = made(folder) / REPORT_FILE
    paths.write_text_atomic(file, page(result))
    return file


def page(result: Result) -> str:
    """The report as HTML text; everything that came from outside is escaped by the template."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html").render(_context(result))


def _context(result: Result) -> dict[str, Any]:
    from markupsafe import Markup

    wide, narrow = (charts(result, width=width) for width in (WIDE, NARROW))
    drawn = {
        name: {
            "title": CAPTIONS[name][0],
            "caption": CAPTIONS[name][1],
            # SVG text made by vl-convert, which escapes what it draws.
            "wide": Markup(inline(to_svg(wide[name]), f"{name}-w")),
            "narrow": Markup(inline(to_svg(narrow[name]), f"{name}-n")),
        }
        for name in wide
    }
    chosen = result.variant(result.chosen)
    found = effects(result)
    return {
        "version": __version__,
        "result": result,
        "answer": _answer(result),
        "facts": _facts(result),
        "chosen": text.short(chosen),
        "missed": [c for c in result.constraints if not c.satisfied],
        "constraints": [_constraint(result, i) for i in range(len(result.constraints))],
        "conditions": [(KINDS.get(c.kind, c.kind), c.text) for c in result.conditions],
        "charts": drawn,
        "verdict": verdict(found),
        "effects": [_effect(effect) for effect in found],
        "variants": [_row(v, result) for v in text.by_objective(result.variants, result.objective)],
        "counts": _counts(result),
        "metric": headline.metric_name(result),
        "layers": _layers(result),
        "machine": _machine(result),
        "ledger": _ledger(result),
    }


def _answer(result: Result) -> dict[str, str]:
    """The largest line of the page and the sentence below it."""
    ratio = result.ratios.latency_vs_baseline
    if result.chosen == result.baseline:
        big = "Nothing beat the baseline"
    elif not ratio.differs_from_one:
        big = "No difference in speed"
    elif ratio.value > 1:
        big = f"{ratio.value:.2f}x as fast"
    else:
        big = f"{1 / ratio.value:.2f}x slower"
    return {"big": big, "accuracy": headline.accuracy(result), "where": headline.where(result)}


def _facts(result: Result) -> list[dict[str, str]]:
    """The boxes of the head: what, figure, and how sure."""
    held, ratios = result.holdout, result.ratios
    metric = headline.metric_name(result)
    chosen = result.variant(result.chosen)
    facts = [
        _ratio("Against the model as it came", ratios.latency_vs_baseline, result, result.baseline)
    ]
    if ratios.latency_vs_best_f32 is not None:
        facts.append(_ratio("Against the best f32", ratios.latency_vs_best_f32, result, None))
    facts.append(
        {
            "name": f"{metric[0].upper()}{metric[1:]} on the holdout",
            "figure": f"{held.chosen.value:.2%}",
            "sure": f"{text.change(held.drop)} against the baseline's {held.baseline.value:.2%}, "
            f"{held.chosen.n} samples",
        }
    )
    if chosen.latency_ms is not None:
        facts.append(
            {
                "name": "Latency of a call",
                "figure": f"{text.significant(chosen.latency_ms.p50)} ms",
                "sure": f"median {text.interval(chosen.latency_ms)}, "
                f"p95 {text.significant(chosen.latency_ms.p95)}",
            }
        )
    return facts


def _ratio(name: str, ratio: Estimate, result: Result, reference: str | None) -> dict[str, str]:
    who = "" if reference is None else f", {headline.describe(result.variant(reference))}"
    figure = f"{ratio.value:.2f}x"
    low, high = ratio.ci95
    sure = f"95 % interval {low:.2f} to {high:.2f}{who}"
    if low == high == 1.0:
        return {"name": name, "figure": figure, "sure": f"it is the same variant{who}"}
    if not ratio.differs_from_one:
        sure = f"no difference: {sure}"
    return {"name": name, "figure": figure, "sure": sure}


def _constraint(result: Result, index: int) -> dict[str, str]:
    constraint = result.constraints[index]
    value = "not measured" if constraint.value is None else f"{constraint.value:.4g}"
    verdict_ = "met" if constraint.satisfied else "not met"
    return {"text": constraint.text, "value": value, "verdict": verdict_}


def _effect(effect: Effect) -> dict[str, str]:
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


def _row(record: VariantRecord, result: Result) -> dict[str, str]:
    latency, score = record.latency_ms, record.accuracy
    role = "chosen" if record.id == result.chosen else ""
    if not role and record.id == result.baseline:
        role = "baseline"
    return {
        "role": role,
        "status": record.status,
        "id": record.id,
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


def _counts(result: Result) -> str:
    states = [record.status for record in result.variants]
    parts = [headline.plural(len(states), "variant")]
    parts += [f"{states.count(s)} {s}" for s in ("rejected", "failed") if s in states]
    return ", ".join(parts)


def _layers(result: Result) -> list[dict[str, Any]]:
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
        title = f"{role}: {text.short(result.variant(name))}"
        if len(layers) > len(rows):
            title += f" (slowest {len(rows)} of {len(layers)} layers)"
        tables.append({"title": title, "rows": rows})
    return tables


def _machine(result: Result) -> list[tuple[str, str]]:
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


def _ledger(result: Result) -> list[tuple[str, str]]:
    spent = result.ledger
    rows = [("Wall time", _duration(spent.wall_s)), ("CPU time", _duration(spent.cpu_s))]
    rows += [(f"Stage {name}", _duration(seconds)) for name, seconds in spent.stages_s.items()]
    if spent.training_flops:
        rows.append(("Training", f"{spent.training_flops:.3g} FLOPs"))
        rows.append(("Full-training equivalents", f"{spent.full_training_equivalents:.3g}"))
    return rows


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
