"""As it came, compiled, quantised, searched: the best time of each stage."""

from __future__ import annotations

from typing import Any

from paretune.core import Result, VariantRecord
from paretune.report import text
from paretune.report.charts._theme import COLOURS, WIDE, Chart, rows_chart
from paretune.report.pace import alike, pace, title
from paretune.report.stages import CAME, best_of_stages


def stages(result: Result) -> list[tuple[str, VariantRecord]]:
    """The fastest variant of each stage that meets the constraints, slowest stage first.

    Where calls are timed, variants of another batch than the baseline's are left out: they do
    other work in one.
    """
    baseline = result.variant(result.baseline)

    def cost(record: VariantRecord) -> float | None:
        time = pace(record, result.objective)
        return time.value if time and alike(record, baseline, result.objective) else None

    found = best_of_stages(
        result.variants,
        native=baseline.runtime,
        searched=lambda record: record.architecture != baseline.architecture,
        came=lambda record: record.id == baseline.id,
        cost=cost,
    )
    return found or [(CAME, baseline)]


def chart(result: Result, width: int) -> Chart | None:
    """A bar for each stage, or None where only the baseline was measured."""
    import altair as alt

    found = stages(result)
    first = pace(found[0][1], result.objective)
    if first is None or len(found) < 2:
        return None
    many = width >= WIDE
    rows: list[dict[str, Any]] = []
    for name, record in found:
        time = pace(record, result.objective)
        assert time is not None
        ratio = "" if record.id == result.baseline else f", {first.value / time.value:.2f}x"
        figure = f"{text.significant(time.value)} ms{ratio}"
        rows.append(
            {
                "stage": name,
                "time": time.value,
                "precision": record.precision,
                "figure": figure,
                "who": text.short(record, result),
                "told": f"{name}: {text.short(record, result)}, {figure}",
            }
        )
    order = [name for name, _ in found]
    y = alt.Y("stage:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    most = max(row["time"] for row in rows)
    # Room for the figures, which stand right of the bars.
    x = alt.X(
        "time:Q",
        title=f"{title(result.objective)} (lower is better)",
        scale=alt.Scale(domain=[0, most * (1.25 if many else 1.75)], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    colours = [COLOURS.get(record.precision, COLOURS["untold"]) for _, record in found]
    base = rows_chart(rows)
    bars = base.mark_bar(height=22, cornerRadiusEnd=3, yOffset=-9).encode(
        x=x,
        y=y,
        color=alt.Color("stage:N", scale=alt.Scale(domain=order, range=colours), legend=None),
        description="told:N",
        tooltip="told:N",
    )
    figures = base.mark_text(align="left", dx=7, dy=-9, fontWeight="bold").encode(
        x=x, y=y, text="figure:N"
    )
    who = base.mark_text(align="left", dx=2, dy=12).encode(x=alt.value(0), y=y, text="who:N")
    return alt.layer(bars, figures, who).properties(width=width - 90, height=58 * len(rows))
