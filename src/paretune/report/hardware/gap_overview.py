"""The gap between CPUs and a GPU on several models, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.artifact.headline import plural
from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware import gap_table
from paretune.report.hardware.gap import Bar, Gaps
from paretune.report.hardware.regimes import REGIMES, UNITS, Regime
from paretune.report.stages import STAGES

if TYPE_CHECKING:
    from rich.table import Table

#: Models that a table shows, and that a sentence names.
SHOWN, TOLD = 40, 5


def summary(found: Gaps) -> list[str]:
    """The answer first: from where to where the models lie, stage by stage; what is missing."""
    lines = []
    for regime in REGIMES:
        bars = [bar for one in found.models for bar in one.bars.get(regime, ())]
        gpus = " or ".join(dict.fromkeys(bar.machine for bar in bars if bar.device == "cuda"))
        for machine in dict.fromkeys(bar.machine for bar in bars if bar.device == "cpu"):
            own = [bar for bar in bars if bar.machine == machine and bar.device == "cpu"]
            having = [one for one in found.models if set(one.bars.get(regime, ())) & set(own)]
            models = plural(len(having), "model")
            steps = [
                f"{stage} {_span([bar.behind for bar in own if bar.stage == stage])}"
                for stage in STAGES
                if any(bar.stage == stage for bar in own)
            ]
            below = gap_table.BELOW if any(bar.behind < 1 for bar in own) else ""
            lines.append(
                f"{models}, {regime}: {machine} is slower than {gpus} by {', '.join(steps)}{below}."
            )
    for one in found.models:
        lines += gap_table.published(one)
    lines += [f"Missing: {said}." for said in _missing(found)]
    bars = [bar for one in found.models for several in one.bars.values() for bar in several]
    if any(bar.per_dollar is not None for bar in bars):
        lines.append("Inferences per dollar: give --model MODEL, or --json for all.")
    return list(dict.fromkeys(lines))


def _missing(found: Gaps) -> list[str]:
    """What the records do not hold, in a sentence each."""
    said = []
    lacking: dict[str, list[str]] = {}
    for one in found.models:
        for what in one.missing:
            lacking.setdefault(what, []).append(one.model)
    for what, models in lacking.items():
        more = f" and {len(models) - TOLD} more" if len(models) > TOLD else ""
        some = "" if len(models) == len(found.models) else f" on {', '.join(models[:TOLD])}{more}"
        said.append(what + some)
    unscored = {program for one in found.models for program in one.unscored}
    if unscored:
        said.append(
            f"the accuracy of {plural(len(unscored), 'program')}: those records are of speed alone "
            "(--model MODEL names them, and gives intervals)"
        )
    return said


def table(found: Gaps, regime: Regime) -> Table:
    """A row a model and CPU: how many times slower each stage is, and what the GPU does."""
    from rich.text import Text

    rows = found.nearest(regime)
    own = [bar for one in rows for bar in one.bars[regime] if bar.device == "cpu"]
    machines = {bar.machine for bar in own}
    stages = [stage for stage in STAGES if any(bar.stage == stage for bar in own)]
    made = plain(title=f"{regime}: times slower than the GPU at its best")
    made.add_column("model", overflow="fold", ratio=3)
    if len(machines) > 1:
        made.add_column("CPU", overflow="fold", ratio=2)
    for stage in stages:
        made.add_column(stage, justify="right", no_wrap=True)
    made.add_column(f"GPU, {UNITS[regime]}", justify="right", no_wrap=True)
    notes = []
    if len(rows) > SHOWN:
        notes.append(f"{len(rows) - SHOWN} more: --model NAME, or --json for all")
    if any(bar.source for one in rows for bar in one.bars[regime]):
        notes.append("* published, not measured")
    made.caption = "; ".join(notes) or None
    for one in rows[:SHOWN]:
        bars = one.bars[regime]
        best = min((bar for bar in bars if bar.device == "cuda"), key=lambda bar: bar.behind)
        for machine in dict.fromkeys(bar.machine for bar in bars if bar.device == "cpu"):
            here = {
                bar.stage: bar for bar in bars if bar.machine == machine and bar.device == "cpu"
            }
            cells = [
                one.model,
                *([machine] if len(machines) > 1 else []),
                *(_behind(here.get(stage)) for stage in stages),
                text.significant(best.value) + _star(best),
            ]
            made.add_row(*(Text(cell) for cell in cells))
    return made


def _behind(bar: Bar | None) -> str:
    return "" if bar is None else f"{text.significant(bar.behind)}x{_star(bar)}"


def _star(bar: Bar) -> str:
    return "*" if bar.source else ""


def _span(values: list[float]) -> str:
    low, high = (f"{text.significant(value)}x" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
