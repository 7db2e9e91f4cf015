"""Time of each layer of baseline and chosen, by the precision actually executed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paretune.core import LayerTime, Result
from paretune.report import text
from paretune.report.charts._theme import COLOURS, WIDE, Chart, legend, rows_chart, scale

#: Layers with a bar; the time of the others is told in the heading.
MOST = 25
UNTOLD = "untold"


def chart(result: Result, width: int) -> Chart | None:
    """A panel for each of baseline and chosen that has layers; None where neither has."""
    import altair as alt

    wanted = {"baseline": result.baseline, "chosen": result.chosen}
    if result.baseline == result.chosen:
        wanted = {"chosen = baseline": result.chosen}
    panels = {
        f"{role}: {text.short(result.variant(name), result)}": result.layers[name]
        for role, name in wanted.items()
        if result.layers.get(name)
    }
    if not panels:
        return None
    seen = [layer.precision or UNTOLD for layers in panels.values() for layer in layers]
    colour = alt.Color(
        "precision:N",
        title="precision executed",
        scale=scale(seen, COLOURS, COLOURS[UNTOLD]),
        legend=legend(5 if width >= WIDE else 3),
    )
    each = width if len(panels) == 1 or width < WIDE else (width - 20) // 2
    drawn = [_panel(title, layers, each, colour) for title, layers in panels.items()]
    if len(drawn) == 1:
        return drawn[0]
    return alt.hconcat(*drawn) if width >= WIDE else alt.vconcat(*drawn)


def _panel(title: str, layers: Sequence[LayerTime], width: int, colour: Any) -> Any:
    import altair as alt

    total = sum(layer.microseconds for layer in layers)
    rows = _rows(layers, 24)
    heading = [text.cut(title, 46), _told(layers, total)]
    rest = sorted((layer.microseconds for layer in layers), reverse=True)[MOST:]
    if rest:
        part = sum(rest) / total if total else 0.0
        heading.append(f"{len(rest)} more not shown: {part:.0%} of the time")
    y = alt.Y(
        "name:N",
        sort=[row["name"] for row in rows],
        title=None,
        axis=alt.Axis(labelLimit=190, ticks=False, domain=False, labelFontSize=11),
    )
    x = alt.X("microseconds:Q", title="microseconds a call", axis=alt.Axis(tickCount=3))
    return (
        rows_chart(rows, title=heading)
        .mark_bar(cornerRadiusEnd=2)
        .encode(x=x, y=y, color=colour, description="told:N", tooltip="told:N")
        .properties(width=max(120, width - 185), height=alt.Step(16))
    )


def _told(layers: Sequence[LayerTime], total: float) -> str:
    """Number of layers, their time together, and how it is shared among precisions."""
    shares: dict[str, float] = {}
    for layer in layers:
        precision = layer.precision or UNTOLD
        shares[precision] = shares.get(precision, 0.0) + layer.microseconds
    parts = [
        f"{name} {share / total:.0%}"
        for name, share in sorted(shares.items(), key=lambda pair: -pair[1])
        if total
    ]
    return f"{len(layers)} layers, {text.significant(total / 1000)} ms: {', '.join(parts)}"


def _rows(layers: Sequence[LayerTime], length: int) -> list[dict[str, Any]]:
    """The slowest layers; names are unique so that no bars merge."""
    ranked = sorted(layers, key=lambda layer: -layer.microseconds)
    rows: list[dict[str, Any]] = []
    for place, layer in enumerate(ranked[:MOST], start=1):
        precision = layer.precision or UNTOLD
        told = [layer.name, layer.op, layer.kernel, precision]
        rows.append(
            {
                "name": f"{place}. {text.cut(layer.name, length)}",
                "precision": precision,
                "microseconds": layer.microseconds,
                "told": ", ".join(part for part in told if part)
                + f": {text.significant(layer.microseconds)} microseconds",
            }
        )
    return rows
