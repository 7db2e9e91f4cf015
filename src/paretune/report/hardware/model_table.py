"""Many models on one machine, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paretune.core import Condition
from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware.models import ModelFrontier

if TYPE_CHECKING:
    from rich.table import Table

#: Kinds of conditions that bend figures.
DISTURBING = ("noise", "frequency", "drift", "quota", "emulated")


def summary(found: ModelFrontier) -> list[str]:
    """The answer first: who stands on the frontier, and what is behind the figures."""
    lines = [] if found.points else ["No model has both latency and accuracy."]
    for scale in found.scales:
        names = ", ".join(f"{p.model} {p.precision}" for p in found.best(scale))
        lines.append(f"Nobody beats {names}" + (f" ({scale})." if found.apart else "."))
    if found.apart:
        lines.append("Accuracies of different data do not compare: each has its own frontier.")
    sources = sorted({p.source for p in found.points if p.source != "measured"})
    if sources:
        lines.append(
            f"Accuracy is published ({', '.join(sources)}), in f32: what bf16 and int8 cost is "
            "not in it; --data measures it."
        )
    return lines + left_out(found.left_out) + disturbed(found.conditions)


def left_out(reasons: Mapping[str, str]) -> list[str]:
    """What has no figure, and why: nothing where all have."""
    if not reasons:
        return []
    lines = [f"  {name}: {text.cut(why, 90)}" for name, why in reasons.items()]
    return [f"Left out: {len(lines)}.", *lines]


def disturbed(conditions: Sequence[Condition]) -> list[str]:
    """What bent the measurements, a line for each kind."""
    kinds: dict[str, list[str]] = {}
    for condition in conditions:
        if condition.kind in DISTURBING:
            kinds.setdefault(condition.kind, []).append(condition.text)
    lines = []
    for texts in kinds.values():
        more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
        lines.append(f"Note: {text.cut(texts[0], 150)}{more}.")
    return lines


def table(found: ModelFrontier) -> Table:
    """Every point, fastest first; * stands on the frontier."""
    from rich.text import Text

    made = plain()
    made.add_column("model", overflow="fold")
    made.add_column("family", overflow="fold")
    made.add_column("precision", no_wrap=True)
    for name in ("ms", "±", "acc %", "MB", ""):
        made.add_column(name, justify="right", no_wrap=True)
    if found.apart:
        made.add_column("accuracy", overflow="fold")
    front = found.front
    for point in found.points:
        low, high = point.ci95
        cells = [
            point.model,
            point.family,
            point.precision,
            text.milliseconds(point.ms),
            f"{(high - low) / 2 / point.ms:.1%}",
            f"{point.accuracy * 100:.1f}",
            text.significant(point.size_mb) if point.size_mb else "",
            "*" if point in front else "",
            *([point.scale] if found.apart else []),
        ]
        made.add_row(*(Text(cell) for cell in cells), style="bold" if point.own else None)
    return made
