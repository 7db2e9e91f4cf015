"""Size on disk against time, by precision."""

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
from paretune.report.pace import alike, pace, title


def chart(result: Result, width: int) -> Chart | None:
    """The fastest variant of each program, or None where no size was measured."""
    import altair as alt

    rows = [_row(record, result) for record in _fastest(result)]
    if len(rows) < 2:
        return None
    many = width >= WIDE
    columns = 5 if many else 2
    biggest = max(row["size"] for row in rows)
    x = alt.X(
        "time:Q",
        title=f"{title(result.objective)} (log scale)",
        scale=alt.Scale(
            type="log",
            domain=[
                min(row["time"] for row in rows) / 1.25,
                max(row["time"] for row in rows) * 1.25,
            ],
            nice=False,
        ),
        axis=alt.Axis(tickCount=6 if many else 4, format="~g", labelOverlap=True),
    )
    y = alt.Y("size:Q", title="size, MB", scale=alt.Scale(domain=[0, biggest * 1.15], nice=False))
    base = rows_chart(rows)
    used = scale([row["precision"] for row in rows], COLOURS, COLOURS["untold"])
    shapes = scale([row["runtime"] for row in rows], SHAPES, "stroke")
    points = base.mark_point(size=110, filled=True, opacity=0.9).encode(
        x=x,
        y=y,
        color=alt.Color(
            "precision:N",
            title="precision",
            scale=used,
            legend=legend(columns),
        ),
        shape=alt.Shape(
            "runtime:N",
            title="runtime",
            scale=shapes,
            legend=legend(columns, symbolFillColor=INK, symbolStrokeColor=INK),
        ),
        description="told:N",
        tooltip="told:N",
    )
    ring = (
        base.transform_filter("datum.chosen")
        .mark_point(size=380, strokeWidth=2, color=INK, filled=False)
        .encode(x=x, y=y)
    )
    name = (
        base.transform_filter("datum.chosen")
        .mark_text(dy=-20, dx=-12, align="left", fontWeight="bold", fontSize=13)
        .encode(x=x, y=y, text=alt.value("chosen"))
    )
    layers: list[Any] = [points, ring, name]
    return alt.layer(*layers).properties(width=width - 70, height=240)


def _fastest(result: Result) -> list[VariantRecord]:
    """Of each program the fastest variant, among those with a size."""
    baseline = result.variant(result.baseline)
    found: dict[tuple[str, ...], VariantRecord] = {}
    for record in result.variants:
        if pace(record, result.objective) is None or record.size_mb is None:
            continue
        if not alike(record, baseline, result.objective):
            continue
        key = (record.architecture, record.runtime, record.precision, record.recipe, record.device)
        known = found.get(key)
        if known is None or _rank(record, result) < _rank(known, result):
            found[key] = record
    return list(found.values())


def _rank(record: VariantRecord, result: Result) -> tuple[bool, float]:
    """The chosen variant stands for its program; else the fastest does."""
    return record.id != result.chosen, _time(record, result)


def _row(record: VariantRecord, result: Result) -> dict[str, Any]:
    assert record.size_mb is not None
    time = _time(record, result)
    return {
        "precision": record.precision,
        "runtime": record.runtime,
        "time": time,
        "size": record.size_mb,
        "chosen": record.id == result.chosen,
        "told": f"{text.short(record, result)}: {text.significant(time)} ms, "
        f"{text.significant(record.size_mb)} MB",
    }


def _time(record: VariantRecord, result: Result) -> float:
    time = pace(record, result.objective)
    assert time is not None
    return time.value
