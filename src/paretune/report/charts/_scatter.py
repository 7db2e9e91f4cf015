"""Time against accuracy of every variant, with the frontier."""

from __future__ import annotations

from typing import Any

from paretune.core import Result, VariantRecord
from paretune.report import text
from paretune.report.charts._theme import (
    COLOURS,
    INK,
    SHAPES,
    WIDE,
    Chart,
    legend,
    rows_chart,
    scale,
)
from paretune.report.frontier import pareto, points_of
from paretune.report.pace import pace, title

#: Points below the baseline by more than this are drawn at the foot, with their figure, so that
#: one ruined variant does not squeeze all others into a line.
REACH = 4.0


def chart(result: Result, width: int) -> Chart | None:
    """The scatter, or None where nothing has both time and accuracy."""
    import altair as alt

    rows = _rows(result)
    if not rows:
        return None
    foot, top = _range(rows)
    for row in rows:
        row["clipped"] = row["accuracy"] < foot
        row["y"], row["label"] = max(row["accuracy"], foot), ""
        row["y_low"], row["y_high"] = max(row["y_low"], foot), min(row["y_high"], top)
        if row["clipped"]:
            row["y_low"] = row["y_high"] = foot
            row["label"] = f"↓ {row['accuracy']:.1f} %"
    low, high = min(r["x_low"] for r in rows), max(r["x_high"] for r in rows)
    x = alt.X(
        "time:Q",
        title=f"{title(result.objective)} (log scale)",
        scale=alt.Scale(type="log", domain=[low / 1.25, high * 1.25], nice=False),
        axis=alt.Axis(tickCount=6 if width >= WIDE else 4, format="~g", labelOverlap=True),
    )
    axis = f"{_axis(result)}, %"
    y = alt.Y("y:Q", title=axis, scale=alt.Scale(domain=[foot, top], nice=False, zero=False))
    many = width >= WIDE
    columns = 5 if many else 2
    used = scale([row["precision"] for row in rows], COLOURS, COLOURS["untold"])
    colour = alt.Color(
        "precision:N",
        title="precision",
        scale=used,
        legend=legend(columns),
    )
    base = rows_chart(rows)
    flat = base.mark_rule(opacity=0.45, strokeWidth=1.2).encode(
        x=alt.X("x_low:Q"), x2="x_high:Q", y=y, color=colour
    )
    upright = base.mark_rule(opacity=0.45, strokeWidth=1.2).encode(
        x=x, y=alt.Y("y_low:Q"), y2="y_high:Q", color=colour
    )
    points = base.mark_point(size=75, filled=True).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape(
            "runtime:N",
            title="runtime",
            scale=scale([r["runtime"] for r in rows], SHAPES, "stroke"),
            legend=legend(columns, symbolFillColor=INK, symbolStrokeColor=INK),
        ),
        opacity=alt.condition("datum.allowed", alt.value(0.95), alt.value(0.4)),
        description="told:N",
        tooltip="told:N",
    )
    clipped = (
        base.transform_filter("datum.clipped").mark_text(dy=-12).encode(x=x, y=y, text="label:N")
    )
    layers: list[Any] = [_front(rows, result, x, y), flat, upright, points, clipped]
    layers += _marked(rows, result, x, y)
    return alt.layer(*layers).properties(width=width - 70, height=330 if many else 300)


def _rows(result: Result) -> list[dict[str, Any]]:
    rows = []
    for record in result.variants:
        time, score = pace(record, result.objective), record.accuracy
        if time is None or score is None:
            continue
        y_low, y_high = _bounds(result, record)
        rows.append(
            {
                "id": record.id,
                "precision": record.precision,
                "runtime": record.runtime,
                "time": time.value,
                "x_low": time.ci95[0],
                "x_high": time.ci95[1],
                "accuracy": score.value * 100,
                "y_low": y_low * 100,
                "y_high": y_high * 100,
                "allowed": record.status == "ok",
                "told": f"{text.short(record, result)}: {text.significant(time.value)} ms, "
                f"{score.value:.2%}" + (f" ({record.status})" if record.status != "ok" else ""),
            }
        )
    return rows


def _bounds(result: Result, record: VariantRecord) -> tuple[float, float]:
    """Interval of the accuracy: paired with the baseline where it is, as choices are made on that.

    The baseline itself, to which the others are paired, has none.
    """
    score = record.accuracy
    assert score is not None
    baseline = result.variant(result.baseline).accuracy
    if score.drop is None or baseline is None:
        return score.ci95
    return baseline.value - score.drop.ci95[1], baseline.value - score.drop.ci95[0]


def _range(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Foot and top of the accuracy axis, percent, with room for labels."""
    best = max(row["accuracy"] for row in rows)
    kept = [row for row in rows if row["accuracy"] >= best - REACH]
    low = max(min(row["y_low"] for row in kept), best - 2 * REACH)
    high = max(row["y_high"] for row in kept)
    room = max(0.2 * (high - low), 0.15)
    return max(0.0, low - room), high + 1.5 * room


def _axis(result: Result) -> str:
    names = {"top1": "top-1 accuracy", "agreement": "agreement with the baseline"}
    return names.get(result.dataset.metric, text.cut(result.dataset.metric, 40))


def _front(rows: list[dict[str, Any]], result: Result, x: Any, y: Any) -> Any:
    """The frontier as steps: the best accuracy to be had within a time."""
    front = result.frontier or pareto(points_of(result.variants, result.objective))
    on = sorted((row for row in rows if row["id"] in front), key=lambda row: row["time"])
    return (
        rows_chart(on)
        .mark_line(interpolate="step-after", opacity=0.55, strokeDash=[5, 4], color=INK)
        .encode(x=x, y=y)
    )


def _marked(rows: list[dict[str, Any]], result: Result, x: Any, y: Any) -> list[Any]:
    """Rings around chosen and baseline, their names at the top, each with a line down to it."""
    import altair as alt

    same = result.chosen == result.baseline
    names = {result.baseline: "baseline", result.chosen: "chosen = baseline" if same else "chosen"}
    middle = (min(r["time"] for r in rows) * max(r["time"] for r in rows)) ** 0.5
    layers: list[Any] = []
    for row in rows:
        if row["id"] not in names:
            continue
        # Names stand on lines of their own, so that they never meet, and point inwards.
        height = 8 if row["id"] == result.chosen else 26
        right = row["time"] > middle
        one = rows_chart([row | {"name": names[row["id"]]}])
        ring = one.mark_point(size=330, strokeWidth=2, color=INK, filled=False).encode(x=x, y=y)
        leader = one.mark_rule(color=INK, opacity=0.5, strokeWidth=1, yOffset=-9, y2Offset=8)
        name = one.mark_text(
            fontWeight="bold",
            fontSize=13,
            align="right" if right else "left",
            dx=2 if right else -2,
        )
        layers += [
            ring,
            leader.encode(x=x, y=y, y2=alt.value(height)),
            name.encode(x=x, y=alt.value(height), text="name:N"),
        ]
    return layers
