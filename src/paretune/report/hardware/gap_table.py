"""The gap between CPUs and a GPU, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware.gap import Bar, Gap
from paretune.report.hardware.regimes import UNITS, Regime

if TYPE_CHECKING:
    from rich.table import Table


BELOW = " (below 1: faster)"


def summary(found: Gap) -> list[str]:
    """The answer first: how far behind each stage is, regime by regime."""
    lines = []
    for regime, bars in found.bars.items():
        reference = min((b for b in bars if b.device == "cuda"), key=lambda b: b.behind)
        for machine in dict.fromkeys(b.machine for b in bars if b.device == "cpu"):
            own = [bar for bar in bars if bar.machine == machine and bar.device == "cpu"]
            steps = ", ".join(f"{bar.stage} {behind(bar)}" for bar in own)
            lines.append(
                f"{found.model}, {regime}: {machine} is slower than {reference.machine} by "
                f"{steps}{BELOW if any(bar.behind < 1 for bar in own) else ''}."
            )
    missing = [
        *found.missing,
        *(f"the accuracy of {one}: that record is of speed alone" for one in found.unscored),
    ]
    return [*lines, *published(found), *(f"Missing: {one}." for one in missing)]


def published(found: Gap) -> list[str]:
    """What was taken from a published table."""
    bars = [bar for several in found.bars.values() for bar in several if bar.source]
    said = [f"Published, not measured: {bar.machine} ({bar.source})." for bar in bars]
    return list(dict.fromkeys(said))


def behind(bar: Bar) -> str:
    """How many times slower, with the interval where one is known."""
    value = f"{bar.behind:.2f}x"
    return value if bar.behind_ci95 is None else f"{value} ({_range(bar)})"


def _range(bar: Bar) -> str:
    low, high = bar.behind_ci95 or (bar.behind, bar.behind)
    return f"{low:.2f} to {high:.2f}"


def table(found: Gap, regime: Regime) -> Table:
    """Every stage of every machine in one regime."""
    from rich.text import Text

    bars = found.bars[regime]
    priced = any(bar.per_dollar is not None for bar in bars)
    made = plain(title=regime)
    made.add_column("stage", no_wrap=True)
    made.add_column("machine", overflow="fold", ratio=3)
    made.add_column("variant", overflow="fold", ratio=3)
    made.add_column(UNITS[regime], justify="right", no_wrap=True)
    made.add_column("slower by", justify="right", no_wrap=True)
    if priced:
        made.add_column("per $", justify="right", no_wrap=True)
    made.add_column("record", overflow="fold", ratio=2)
    for bar in bars:
        cells = [
            bar.stage,
            bar.machine,
            bar.how,
            text.significant(bar.value),
            behind(bar),
            *([text.significant(bar.per_dollar) if bar.per_dollar else ""] if priced else []),
            bar.record + (" (published)" if bar.source else ""),
        ]
        made.add_row(*(Text(cell) for cell in cells))
    return made
