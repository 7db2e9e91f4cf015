"""The gap between CPUs and a GPU on several models, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.artifact.headline import plural
from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware import gap_table
from paretune.report.hardware.gap import REGIMES, UNITS, Bar, Gaps, Regime
from paretune.report.stages import STAGES

if TYPE_CHECKING:
    from rich.table import Table


def summary(found: Gaps) -> list[str]:
    """The answer first: from where to where the models lie, stage by stage; what is missing."""
    lines = []
    models = plural(len(found.models), "model")
    for regime in REGIMES:
        bars = [bar for one in found.models for bar in one.bars.get(regime, ())]
        gpus = " or ".join(dict.fromkeys(bar.machine for bar in bars if bar.device == "cuda"))
        for machine in dict.fromkeys(bar.machine for bar in bars if bar.device == "cpu"):
            own = [bar for bar in bars if bar.machine == machine and bar.device == "cpu"]
            steps = [
                f"{stage} {_span([bar.behind for bar in own if bar.stage == stage])}"
                for stage in STAGES
                if any(bar.stage == stage for bar in own)
            ]
            below = gap_table.BELOW if any(bar.behind < 1 for bar in own) else ""
            lines.append(
                f"{models}, {regime}: {machine} is slower than {gpus} by {', '.join(steps)}{below}."
            )
        lacking = [one.model for one in found.models if regime not in one.bars]
        if lacking:
            lines.append(f"Missing: {regime}: no GPU was measured so: {', '.join(lacking)}.")
    for one in found.models:
        lines += gap_table.published(one)
    unscored = {program for one in found.models for program in one.unscored}
    if unscored:
        lines.append(
            f"Missing: the accuracy of {len(unscored)} programs: those records are of speed alone "
            "(--model MODEL names them, and gives intervals)."
        )
    return list(dict.fromkeys(lines))


def table(found: Gaps, regime: Regime) -> Table:
    """A row a model and CPU: how many times slower each stage is, and what the GPU does."""
    from rich.text import Text

    rows = [(one, bars) for one in found.models if (bars := one.bars.get(regime))]
    machines = {bar.machine for _, bars in rows for bar in bars if bar.device == "cpu"}
    made = plain(title=f"{regime}: times slower than the GPU at its best")
    made.add_column("model", overflow="fold", ratio=3)
    if len(machines) > 1:
        made.add_column("CPU", overflow="fold", ratio=2)
    for stage in STAGES:
        made.add_column(stage, justify="right", no_wrap=True)
    made.add_column(f"GPU, {UNITS[regime]}", justify="right", no_wrap=True)
    for one, bars in rows:
        best = min((bar for bar in bars if bar.device == "cuda"), key=lambda bar: bar.behind)
        for machine in dict.fromkeys(bar.machine for bar in bars if bar.device == "cpu"):
            own = {bar.stage: bar for bar in bars if bar.machine == machine and bar.device == "cpu"}
            cells = [
                one.model,
                *([machine] if len(machines) > 1 else []),
                *(_behind(own.get(stage)) for stage in STAGES),
                text.significant(best.value),
            ]
            made.add_row(*(Text(cell) for cell in cells))
    return made


def _behind(bar: Bar | None) -> str:
    return "" if bar is None else f"{text.significant(bar.behind)}x"


def _span(values: list[float]) -> str:
    low, high = (f"{text.significant(value)}x" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
