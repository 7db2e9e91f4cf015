"""Architectures of a search: speed as predicted and as measured, and predicted divergence."""

from __future__ import annotations

from typing import Any

from paretune.artifact.headline import divergence_unit
from paretune.core import Ci95, Result, SearchPoint
from paretune.report import text
from paretune.report.charts._theme import INK, WIDE, Chart, legend, rows_chart

MEASURED, PREDICTED = "measured speed", "predicted speed"


def chart(result: Result, width: int) -> Chart | None:
    """The chart, None where nothing was searched or timed."""
    import altair as alt

    points = [] if result.search is None else result.search.points
    chosen = result.variant(result.chosen).architecture
    unit = divergence_unit(result)
    rows = [_row(p, p.measured_speed, chosen, unit) for p in points if p.measured_speed is not None]
    if not rows:
        return None
    base = rows_chart(rows)
    x = alt.X("speed:Q", title="speed against the baseline, both int8", scale=alt.Scale(zero=False))
    y = alt.Y("loss:Q", title=f"predicted divergence, {unit}", scale=alt.Scale(zero=False))
    shape = alt.Shape(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=[MEASURED, PREDICTED], range=["circle", "cross"]),
        legend=legend(2 if width >= WIDE else 1, symbolFillColor=INK, symbolStrokeColor=INK),
    )
    upright = base.mark_rule(color=INK, opacity=0.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    flat = base.mark_rule(color=INK, opacity=0.5).encode(x=alt.X("slowest:Q"), x2="fastest:Q", y=y)
    # From what was predicted to what was measured: how far the latency model erred.
    missed = base.mark_rule(color=INK, opacity=0.4, strokeDash=[2, 3]).encode(
        x=alt.X("predicted:Q"), x2="speed:Q", y=y
    )
    guesses = (
        rows_chart([row | {"speed": row["predicted"], "kind": PREDICTED} for row in rows])
        .mark_point(filled=True, size=45, color=INK, opacity=0.6)
        .encode(x=x, y=y, shape=shape)
    )
    marks = base.mark_point(filled=True, size=60, color=INK).encode(
        x=x,
        y=y,
        shape=shape,
        opacity=alt.condition("datum.chosen", alt.value(1.0), alt.value(0.45)),
        description="told:N",
        tooltip="told:N",
    )
    names = base.mark_text(dx=10, dy=-8, align="left", color=INK).encode(x=x, y=y, text="name:N")
    layers = (missed, upright, flat, guesses, marks, names)
    return alt.layer(*layers).properties(width=width - 70, height=260)


def _row(point: SearchPoint, speed: float, chosen: str, unit: str) -> dict[str, Any]:
    sure: Ci95 = point.speed_ci95 or (speed, speed)
    return {
        "name": point.architecture.rpartition("+")[2],
        "kind": MEASURED,
        "speed": speed,
        "slowest": sure[0],
        "fastest": sure[1],
        "predicted": point.predicted_speed,
        "loss": point.predicted_loss,
        "low": point.loss_ci90[0],
        "high": point.loss_ci90[1],
        "chosen": point.architecture == chosen,
        "told": f"{point.architecture}: {speed:.2f}x measured, "
        f"{point.predicted_speed:.2f}x predicted, "
        f"{text.significant(point.predicted_loss)} {unit} predicted",
    }
