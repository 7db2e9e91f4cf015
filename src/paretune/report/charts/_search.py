"""Architectures of a search: measured speed and predicted divergence, with its interval."""

from __future__ import annotations

from typing import Any

from paretune.core import Result
from paretune.report import text
from paretune.report.charts._theme import INK, Chart, rows_chart


def chart(result: Result, width: int) -> Chart | None:
    """The chart, None where nothing was searched or timed."""
    import altair as alt

    points = [] if result.search is None else result.search.points
    chosen = result.variant(result.chosen).architecture
    rows: list[dict[str, Any]] = [
        {
            "name": point.architecture.rpartition("+")[2],
            "speed": point.measured_speed,
            "loss": point.predicted_loss,
            "low": point.loss_ci90[0],
            "high": point.loss_ci90[1],
            "chosen": point.architecture == chosen,
            "told": f"{point.architecture}: {point.measured_speed:.2f}x measured, "
            f"{point.predicted_speed:.2f}x predicted, "
            f"{text.significant(point.predicted_loss)} nats predicted",
        }
        for point in points
        if point.measured_speed is not None
    ]
    if not rows:
        return None
    base = rows_chart(rows)
    x = alt.X("speed:Q", title="speed against the baseline, both int8", scale=alt.Scale(zero=False))
    y = alt.Y("loss:Q", title="predicted divergence, nats", scale=alt.Scale(zero=False))
    bars = base.mark_rule(color=INK, opacity=0.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    marks = base.mark_point(filled=True, size=90, color=INK).encode(
        x=x,
        y=y,
        opacity=alt.condition("datum.chosen", alt.value(1.0), alt.value(0.45)),
        description="told:N",
    )
    names = base.mark_text(dx=10, dy=-8, align="left", color=INK).encode(x=x, y=y, text="name:N")
    return alt.layer(bars, marks, names).properties(width=width - 70, height=260)
