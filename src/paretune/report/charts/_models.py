"""Latency against accuracy of many models on one machine, families coloured, frontier drawn."""

from __future__ import annotations

from typing import Any

from paretune.report import text
from paretune.report.charts._theme import INK, WIDE, Chart, legend, rows_chart
from paretune.report.hardware.models import ModelFrontier, ModelPoint

#: Okabe and Ito's colours and four more; families beyond them share the last.
PALETTE = (
    "#2F86C8", "#12A27C", "#E5761B", "#C874A4", "#8C6D1F", "#56B4E9", "#7F5FC7", "#B5423C",
    "#5F7F2E", "#9AA0A6",
)  # fmt: skip
#: Share of the axis that a name may need left of its point.
ROOM = 0.15
#: Of the frontiers, one for each scale of accuracy.
DASHES = ([5, 4], [2, 2], [9, 3, 2, 3])
SHAPES = {"f32": "square", "bf16": "diamond", "int8": "circle", "f16": "triangle-up"}


def chart(found: ModelFrontier, width: int) -> Chart | None:
    """The scatter, or None where there is no point."""
    import altair as alt

    if not found.points:
        return None
    best = found.front
    rows = [_row(point, point in best) for point in found.points]
    many = width >= WIDE
    low, high = min(row["ms"] for row in rows), max(row["ms"] for row in rows)
    x = alt.X(
        "ms:Q",
        title="latency, milliseconds a call (log scale)",
        scale=alt.Scale(type="log", domain=[low / 1.25, high * 1.35], nice=False),
        axis=alt.Axis(tickCount=6 if many else 4, format="~g", labelOverlap=True),
    )
    y = alt.Y("accuracy:Q", title="top-1 accuracy, %", scale=alt.Scale(zero=False, padding=12))
    families = list(dict.fromkeys(row["family"] for row in rows))
    colours = [PALETTE[min(place, len(PALETTE) - 1)] for place in range(len(families))]
    colour = alt.Color(
        "family:N",
        title=None,
        scale=alt.Scale(domain=families, range=colours),
        legend=legend(5 if many else 2),
    )
    precisions = [name for name in SHAPES if name in {row["precision"] for row in rows}]
    shape = alt.Shape(
        "precision:N",
        title=None,
        scale=alt.Scale(domain=precisions, range=[SHAPES[name] for name in precisions]),
        legend=legend(4, symbolFillColor=INK, symbolStrokeColor=INK),
    )
    base = rows_chart(rows)
    front = sorted((row for row in rows if row["on"]), key=lambda row: row["ms"])
    # Accuracies of different data do not compare: each has a line of its own.
    scales = list(found.scales)
    dashes = alt.StrokeDash(
        "scale:N",
        title=None,
        scale=alt.Scale(domain=scales, range=[DASHES[n % len(DASHES)] for n in range(len(scales))]),
        legend=legend(3 if many else 1) if found.apart else None,
    )
    line = (
        rows_chart(front)
        .mark_line(interpolate="step-after", opacity=0.55, color=INK)
        .encode(x=x, y=y, strokeDash=dashes)
    )
    points = base.mark_point(size=60, filled=True).encode(
        x=x,
        y=y,
        color=colour,
        shape=shape,
        opacity=alt.condition("datum.on", alt.value(0.95), alt.value(0.45)),
        description="told:N",
        tooltip="told:N",
    )
    # Names of neighbours would meet: on the frontier they stand below and above in turn, but for
    # those beside the axis, which would run over it.
    above = [row for row in front[1::2] if row["ms"] > low * (high / low) ** ROOM]
    below = [row for row in front if row not in above]
    names = [
        rows_chart(some)
        .mark_text(align=align, dx=dx, dy=dy, fontSize=11)
        .encode(x=x, y=y, text="short:N")
        for some, align, dx, dy in ((below, "left", 6, 10), (above, "right", -6, -9))
        if some
    ]
    own = [row for row in rows if row["own"]]
    rings = rows_chart(own).mark_point(size=260, strokeWidth=2, color=INK, filled=False)
    layers: list[Any] = [line, points, *(names if many else ())]
    if own:
        layers.append(rings.encode(x=x, y=y))
    return alt.layer(*layers).properties(width=width - 80, height=400 if many else 330)


def _row(point: ModelPoint, on: bool) -> dict[str, Any]:
    short = point.model.partition("@")[0].removeprefix("tf_")
    return {
        "ms": point.ms,
        "accuracy": point.accuracy * 100,
        "family": point.family,
        "precision": point.precision,
        "on": on,
        "own": point.own,
        "scale": point.scale,
        "short": short,
        "told": f"{point.model} {point.precision}: {text.significant(point.ms)} ms, "
        f"{point.accuracy:.1%} ({point.source}{' on ' + point.data if point.data else ''})",
    }
