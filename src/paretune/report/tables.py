"""Tables for the terminal, 100 columns wide, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from paretune.artifact import headline
from paretune.core import BenchRecord, Result, Target, VariantRecord
from paretune.report import text
from paretune.report._table import plain

if TYPE_CHECKING:
    from rich.table import Table

#: Reasons are cut to this many characters here; the report has them whole.
REASON = 68
CSV_COLUMNS = (
    "id", "architecture", "runtime", "precision", "recipe", "device", "threads", "streams",
    "batch", "status", "p50_ms", "p50_ci95_low_ms", "p50_ci95_high_ms", "p95_ms", "p99_ms",
    "calls", "throughput_per_s", "peak_memory_mb", "size_mb", "accuracy", "accuracy_n", "cached",
    "ratio", "ratio_ci95_low", "ratio_ci95_high", "reason",
)  # fmt: skip


def summary(result: Result) -> list[str]:
    """The answer first: how much faster, at what accuracy, on what, by which variant."""
    chosen = result.variant(result.chosen)
    lines = [headline.speed(result), headline.accuracy(result), headline.where(result)]
    best = result.ratios.latency_vs_best_f32
    if best is not None and result.chosen != result.baseline:
        lines.insert(1, f"Against the best f32: {headline.compared(best, 'it')}.")
    won = headline.search(result)
    if won is not None:
        lines.insert(1, won)
    lines.append(f"Chosen: {text.short(chosen, result)}.")
    lines += [
        f"NOT MET: {c.text} (found {'nothing' if c.value is None else text.significant(c.value)})"
        for c in result.constraints
        if not c.satisfied
    ]
    return lines + [f"Note ({c.kind}): {c.text}" for c in result.conditions]


def variants(result: Result) -> Table:
    """Every variant of a run, best first, with its role or why it lost."""
    rows = text.by_objective(result.variants, result.objective)
    said = {row.id: text.status(row, result) for row in rows}
    marked = {result.chosen: "bold green", result.baseline: "bold"}
    return _table(rows, said, "why", marked)


def bench(record: BenchRecord) -> Table:
    """Every variant of a bench, fastest first, with its ratio to the baseline."""
    ratios = {ratio.id: headline.times(ratio.latency) for ratio in record.ratios}
    rows = text.by_objective(record.variants, "latency")
    said = {
        row.id: "baseline" if row.id == record.baseline else ratios.get(row.id, row.reason)
        for row in rows
    }
    return _table(rows, said, "ratio" if record.ratios else "why", {})


def devices(target: Target, runtimes: Mapping[str, object]) -> Table:
    """What a machine is and which runtimes it has.

    Args:
        target: the machine.
        runtimes: by name, its version or why it is missing, as text.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    quota = "none" if target.cpu_quota is None else f"{target.cpu_quota:g} cores"
    rows = {
        "CPU": target.cpu,
        "instruction sets": ", ".join(target.isa) or "none known",
        "cores": f"{target.physical_cores} physical, {target.logical_cores} logical",
        "CPU quota": quota,
        "memory": f"{target.memory_mb:,.0f} MB",
        "caches": ", ".join(f"{level} {size:,} kB" for level, size in target.caches.items()),
        "system": target.os,
    }
    if target.isa_cap:
        rows["ISA cap"] = target.isa_cap
    for gpu in target.gpus:
        rows[f"GPU {gpu.name}"] = f"{gpu.memory_mb:,.0f} MB, compute capability {gpu.capability}"
    rows |= {name: str(found) for name, found in runtimes.items()}
    for name, value in rows.items():
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def bench_csv(record: BenchRecord) -> str:
    """A bench as CSV, one row a variant; empty cells where nothing was measured."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    ratios = {ratio.id: ratio.latency for ratio in record.ratios}
    for row in record.variants:
        latency, score, ratio = row.latency_ms, row.accuracy, ratios.get(row.id)
        timed = (
            (None,) * 6
            if latency is None
            else (latency.p50, *latency.ci95, latency.p95, latency.p99, latency.n)
        )
        values = (
            row.id, row.architecture, row.runtime, row.precision, row.recipe, row.device,
            row.threads, row.streams, row.batch, row.status, *timed, row.throughput_per_s,
            row.peak_memory_mb, row.size_mb, score.value if score else None,
            score.n if score else None, row.cached,
            *((ratio.value, *ratio.ci95) if ratio else (None,) * 3), row.reason,
        )  # fmt: skip
        writer.writerow(["" if value is None else value for value in values])
    return stream.getvalue()


def _table(
    rows: Iterable[VariantRecord], said: Mapping[str, str], last: str, styles: Mapping[str, str]
) -> Table:
    from rich.text import Text

    rows = list(rows)
    several = len({row.architecture for row in rows}) > 1
    batches = any(row.batch != 1 for row in rows)
    table = plain(width=100)
    table.add_column("variant", min_width=20, overflow="fold", ratio=3)
    numbers = ["t/s/b" if batches else "t/s", "p50 ms", "±", "per s", "acc %", "MB", "RAM"]
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(last, overflow="fold", ratio=4)
    for row in rows:
        latency, score = row.latency_ms, row.accuracy
        name = f"{row.architecture} {headline.describe(row)}" if several else headline.describe(row)
        run = f"{row.threads}/{row.streams}" + (f"/{row.batch}" if batches else "")
        cells = [
            name,
            run,
            text.milliseconds(latency.p50) if latency else "",
            f"{(latency.ci95[1] - latency.ci95[0]) / 2 / latency.p50:.1%}" if latency else "",
            text.significant(row.throughput_per_s) if row.throughput_per_s else "",
            f"{score.value * headline.POINT:.2f}" if score else "",
            text.significant(row.size_mb) if row.size_mb else "",
            f"{row.peak_memory_mb:,.0f}" if row.peak_memory_mb else "",
            text.cut(said[row.id].replace(" of the chosen variant", ""), REASON),
        ]
        table.add_row(*(Text(cell) for cell in cells), style=styles.get(row.id))
    return table
