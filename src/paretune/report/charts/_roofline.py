"""Every layer's arithmetic for a byte moved against what it reaches, under the machine's roof."""

from __future__ import annotations

from typing import Any

import numpy as np

from paretune.core.roofline import Roofline
from paretune.report import text
from paretune.report.charts._theme import COLOURS, INK, WIDE, Chart, legend, rows_chart, scale


def chart(found: Roofline, width: int) -> Chart | None:
    """The scatter, or None where no layer multiplies."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "intensity": layer.macs / layer.moved,
            "reached": layer.macs / layer.microseconds / 1000,
            "precision": layer.precision or "untold",
            "spent": layer.microseconds,
            "told": f"{layer.name} ({layer.op} {layer.precision}): {layer.microseconds:.1f} us, "
            f"{layer.fraction:.0%} of the limit",
        }
        for layer in found.layers
        if layer.macs and layer.moved and layer.microseconds
    ]
    if not rows:
        return None
    low = min(row["intensity"] for row in rows) / 1.5
    high = max(row["intensity"] for row in rows) * 1.5
    roofs = _roofs(found, low, high, {row["precision"] for row in rows})
    x = alt.X(
        "intensity:Q",
        title="multiply-adds for a byte moved (log scale)",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format="~g", tickCount=6, labelOverlap=True),
    )
    y = alt.Y(
        "reached:Q",
        title="GMAC a second (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~g", tickCount=6, labelOverlap=True),
    )
    used = scale(sorted({row["precision"] for row in rows}), COLOURS, COLOURS["untold"])
    colour = alt.Color("precision:N", title="precision", scale=used, legend=legend(4))
    points = (
        rows_chart(rows)
        .mark_point(filled=True, opacity=0.75)
        .encode(
            x=x,
            y=y,
            color=colour,
            size=alt.Size("spent:Q", title="us", legend=None, scale=alt.Scale(range=[15, 350])),
            description="told:N",
            tooltip="told:N",
        )
    )
    # In this order: names by themselves are drawn in that of their letters.
    dash = alt.Scale(domain=sizes_told(found), range=[[1, 0], [4, 3]])
    lines = (
        rows_chart(roofs)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=x, y=y, color=colour, strokeDash=alt.StrokeDash("memory:N", scale=dash, legend=None)
        )
    )
    many = width >= WIDE
    named: list[dict[str, Any]] = [
        row for row in roofs if row["intensity"] == high and row["memory"] == sizes_told(found)[0]
    ]
    names = (
        rows_chart(named)
        .mark_text(align="right", dx=-4, dy=-7, color=INK, fontSize=11)
        .encode(x=x, y=y, text="name:N")
    )
    fast, slow = sizes_told(found)
    return alt.layer(lines, points, names).properties(
        width=width - 80,
        height=360 if many else 300,
        title=f"roofs: data of {fast} (solid) and {slow} (dashed)",
    )


def sizes_told(found: Roofline) -> list[str]:
    """The roofs that are drawn: of the fastest memory and of the slowest."""
    ends = (found.peaks.bytes_per_s[0], found.peaks.bytes_per_s[-1])
    return [f"{size // 2**20} MB" if size >= 2**20 else f"{size // 2**10} kB" for size, _ in ends]


def _roofs(found: Roofline, low: float, high: float, precisions: set[str]) -> list[dict[str, Any]]:
    """Points of the least of peak and bandwidth, for caches and for memory."""
    rows = []
    ends = (found.peaks.bytes_per_s[0], found.peaks.bytes_per_s[-1])
    for (_, rate), memory in zip(ends, sizes_told(found), strict=True):
        for precision in sorted(precisions & set(found.peaks.macs_per_s)):
            peak = found.peaks.macs_per_s[precision]
            for intensity in np.geomspace(low, high, 60):
                at_most = min(peak, rate * intensity)
                rows.append(
                    {
                        "intensity": float(intensity),
                        "reached": at_most / 1e9,
                        "precision": precision,
                        "memory": memory,
                        "name": f"{precision}: {text.significant(peak / 1e9)} GMAC/s",
                    }
                )
    for row in rows:
        if np.isclose(row["intensity"], high):
            row["intensity"] = high
    return rows
