"""Several machines side by side, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.artifact.headline import plural
from paretune.core import Target
from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware.machines import Machines, Standing

if TYPE_CHECKING:
    from rich.table import Table

#: Reversals that are told one by one, and subjects that are shown.
TOLD, SHOWN = 8, 40
#: Machines that fit beside each other with all columns.
FEW = 2


def summary(found: Machines) -> list[str]:
    """The answer first: whether the order is the same everywhere, and where it is not."""
    what = "models" if found.by == "model" else "variants"
    lines = []
    if not found.reversals:
        lines.append(f"No two {what} change places beyond their intervals.")
    else:
        count = len(found.reversals)
        lines.append(
            f"{plural(count, 'pair')} of {what} {'changes' if count == 1 else 'change'} places:"
        )
    for turn in found.reversals[:TOLD]:
        here, there = found.names[turn.here], found.names[turn.there]
        lines.append(
            f"  {turn.first} is {turn.factors[0]:.2f}x as fast as {turn.second} on {here}; "
            f"on {there}, {turn.second} is, {turn.factors[1]:.2f}x."
        )
    if len(found.reversals) > TOLD:
        lines.append(f"  and {len(found.reversals) - TOLD} more (--json has all)")
    for name, agreement in list(zip(found.names, found.agreement, strict=True))[1:]:
        if agreement is not None:
            lines.append(f"Rank correlation of {name} with {found.names[0]}: {agreement:.3f}.")
    return lines + [f"Not compared: {one}." for one in found.left_out]


def machines(found: Machines) -> Table:
    """Every subject's median latency and rank on each machine; * marks who changes places."""
    from rich.text import Text

    moved = {name for turn in found.reversals for name in (turn.first, turn.second)}
    several = [len(_ways(found, place)) > 1 for place in range(len(found.names))]
    table = plain()
    many = len(found.names) > FEW
    subject = "model" if found.by == "model" else "variant"
    table.add_column(subject, overflow="fold", min_width=None if many else 24)
    for name, ways in zip(found.names, several, strict=True):
        if many:
            table.add_column(f"{name}: ms (rank)", justify="right", overflow="fold")
        else:
            table.add_column(f"{name}: ms", justify="right", overflow="fold")
            table.add_column("±", justify="right", no_wrap=True)
            table.add_column("rank", justify="right", no_wrap=True)
        if ways and not many:
            table.add_column("by", overflow="fold")
    for one in found.subjects[:SHOWN]:
        cells = [one.name]
        for standing, ways in zip(one.standings, several, strict=True):
            told = _cells(standing, one.name in moved, ways)
            cells += [f"{told[0]} ({told[2]})" if told[0] else ""] if many else told
        table.add_row(*(Text(cell) for cell in cells))
    if len(found.subjects) > SHOWN:
        table.caption = f"{len(found.subjects) - SHOWN} more: --only NAME, or --json for all"
    return table


def _ways(found: Machines, place: int) -> set[str]:
    """How the subjects of a model table were run on one machine; of variants they say it."""
    if found.by == "variant":
        return set()
    return {s.how for subject in found.subjects if (s := subject.standings[place]) is not None}


def legend(found: Machines) -> list[str]:
    """What each machine is, one line each."""
    lines = []
    for place, (name, target, origin) in enumerate(
        zip(found.names, found.targets, found.origins, strict=True)
    ):
        ways = _ways(found, place)
        how = f", {ways.pop()}" if len(ways) == 1 else ""
        what = _machine(target) if origin == "measured" else origin
        lines.append(f"{name}: {what}{how}")
    return lines


def _cells(standing: Standing | None, moved: bool, by: bool) -> list[str]:
    if standing is None:
        return ["", "", "", *([""] if by else [])]
    ci95 = standing.ci95
    cells = [
        text.milliseconds(standing.ms),
        "" if ci95 is None else f"{(ci95[1] - ci95[0]) / 2 / standing.ms:.1%}",
        f"{standing.rank}{'*' if moved else ''}",
    ]
    if by:
        cells.append(standing.how)
    return cells


def _machine(target: Target) -> str:
    return ", ".join((target.label, *(gpu.name for gpu in target.gpus)))
