"""How many times slower than the GPU at its best: a bar a stage, a panel a regime."""

from __future__ import annotations

from typing import Any

from paretune.report import text
from paretune.report.charts._theme import WIDE, Chart, rows_chart
from paretune.report.hardware.gap import Bar, Gap
from paretune.report.hardware.regimes import UNITS, Regime

#: Stages from far behind to close by; a GPU is grey, for it is what the others are held against.
COLOURS = {
    "as it came": "#2F86C8",
    "compiled": "#12A27C",
    "quantised": "#E5761B",
    "searched": "#C874A4",
    "GPU": "#9AA0A6",
}
#: From the middle of a row, which has two lines of text below the bar, up to the bar, in pixels.
BAR = -16
TITLES: dict[Regime, str] = {
    "one call at a time": "one call at a time: time of a call over the GPU's",
    "saturated": "saturated: the GPU's samples a second over these",
}


def chart(gap: Gap, width: int) -> Chart | None:
    """A panel for each regime, or None where there is none."""
    import altair as alt

    panels = [_panel(regime, bars, width) for regime, bars in gap.bars.items()]
    return alt.vconcat(*panels, spacing=24) if panels else None


def _panel(regime: Regime, bars: tuple[Bar, ...], width: int) -> Any:
    import altair as alt

    rows = [_row(regime, place, bar) for place, bar in enumerate(bars)]
    many = width >= WIDE
    inner = width - (125 if many else 155)
    most = max(row["behind"] for row in rows)
    y = alt.Y(
        "place:O",
        title=None,
        axis=alt.Axis(
            ticks=False,
            domain=False,
            labelExpr=f"{[row['stage'] for row in rows]}[datum.value]",
            labelLimit=105,
        ),
    )
    x = alt.X(
        "behind:Q",
        title="times slower than the GPU at its best" + (" (closer to 1 is better)" * many),
        scale=alt.Scale(domain=[0, most * (1.3 if many else 1.8)], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    base = rows_chart(rows)
    drawn = base.mark_bar(height=20, cornerRadiusEnd=3, yOffset=BAR).encode(
        x=x,
        y=y,
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
            legend=None,
        ),
        description="told:N",
        tooltip="told:N",
    )
    spread = base.mark_rule(strokeWidth=1.4, opacity=0.7, yOffset=BAR).encode(
        x=alt.X("low:Q"), x2="high:Q", y=y
    )
    figures = base.mark_text(align="left", dx=7, dy=BAR, fontWeight="bold").encode(
        x=alt.X("high:Q"), y=y, text="figure:N"
    )
    who = base.mark_text(align="left", dx=6, dy=4, limit=inner, lineBreak="\n").encode(
        x=alt.value(0), y=y, text="who:N"
    )
    return alt.layer(drawn, spread, figures, who).properties(
        width=inner, height=68 * len(rows), title=TITLES[regime]
    )


def _row(regime: Regime, place: int, bar: Bar) -> dict[str, Any]:
    low, high = bar.behind_ci95 or (bar.behind, bar.behind)
    gpu = bar.device == "cuda"
    shown = f"{text.significant(bar.value)} {UNITS[regime]}"
    published = ", published" if bar.source else ""
    unscored = ", accuracy not measured" if bar.unscored else ""
    how = f"{bar.how}{published}{unscored}"
    return {
        "place": place,
        "stage": f"GPU, {bar.stage}" if gpu else bar.stage,
        "kind": "GPU" if gpu else bar.stage,
        "behind": bar.behind,
        "low": low,
        "high": high,
        "figure": f"{bar.behind:.2f}x" if bar.behind < 10 else f"{bar.behind:.1f}x",
        "who": f"{shown}, {bar.machine}\n{how}",
        "told": f"{bar.stage}: {bar.behind:.2f} times slower; {shown}, {bar.machine}, {how}",
    }
