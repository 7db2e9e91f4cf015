"""How many times slower than a GPU, model by model: a dot a stage, a panel a regime."""

from __future__ import annotations

from typing import Any

from paretune.report import text
from paretune.report.charts._gap import COLOURS, TITLES
from paretune.report.charts._theme import NARROW, WIDE, Chart, legend, rows_chart, scale
from paretune.report.hardware.gap import Gap, Gaps
from paretune.report.hardware.regimes import Regime

#: Models that a panel has, those that come closest.
SHOWN = 40
#: Room for the models' names, in pixels, on a page and on a phone.
NAMES, NAMES_NARROW = 190, 130
#: More room for those of machines, below; on a phone, in two lines of their own.
MACHINE, MACHINE_NARROW = 70, 40


LINES = "split(datum.label, '\\n')"


def chart(gaps: Gaps, width: int) -> Chart | None:
    """A panel for each regime, or None where there is none."""
    import altair as alt

    panels = [_panel(regime, gaps, width) for regime in TITLES]
    drawn = [panel for panel in panels if panel is not None]
    return alt.vconcat(*drawn, spacing=24) if drawn else None


def _panel(regime: Regime, gaps: Gaps, width: int) -> Any | None:
    import altair as alt

    wide = width >= WIDE
    told = ["times slower than the GPU at its best" + " (closer to 1 is better)" * wide]
    rows = [row for one in gaps.nearest(regime)[:SHOWN] for row in _rows(regime, one)]
    if not rows:
        return None
    names, high = NAMES if wide else NAMES_NARROW, 28
    if len({row["machine"] for row in rows}) > 1:
        names, high = names + (MACHINE if wide else MACHINE_NARROW), 42 if wide else 56
        rows = [row | {"name": _below(row["name"], row["machine"], wide)} for row in rows]
    if any(row["published"] for row in rows):
        rows = [row | {"name": row["name"] + "*" * row["published"]} for row in rows]
        told.append("* published, not measured")
    order = list(dict.fromkeys(row["name"] for row in rows))
    y = alt.Y(
        "name:N",
        sort=order,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, grid=True, labelLimit=names - 10, labelExpr=LINES),
    )
    x = alt.X(
        "behind:Q",
        title=told,
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(tickCount=6, format="~r"),
    )
    base = rows_chart(rows)
    line = base.mark_line(opacity=0.35, strokeWidth=2, color="#9AA0A6").encode(
        x=x, y=y, detail="name:N", order="place:Q"
    )
    stages = [stage for stage in COLOURS if any(row["stage"] == stage for row in rows)]
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color(
            "stage:N",
            scale=scale(stages, COLOURS, COLOURS["GPU"]),
            legend=legend(2 if width <= NARROW else 4, title=None),
        ),
        description="told:N",
        tooltip="told:N",
    )
    one = rows_chart([{"behind": 1}]).mark_rule(strokeDash=[4, 4], opacity=0.6).encode(x=x)
    return alt.layer(one, line, dots).properties(
        width=width - names - 20, height=high * len(order), title=TITLES[regime]
    )


def _below(model: str, machine: str, wide: bool) -> str:
    return f"{model}\n{machine if wide else machine.replace(' (', chr(10) + '(')}"


def _rows(regime: Regime, gap: Gap) -> list[dict[str, Any]]:
    rows, bars = [], gap.bars.get(regime, ())
    reference = any(bar.source for bar in bars if bar.device == "cuda")
    for place, bar in enumerate(bars):
        if bar.device == "cuda":
            continue
        unscored = ", accuracy not measured" if bar.unscored else ""
        published = bool(bar.source) or reference
        rows.append(
            {
                "name": gap.model,
                "published": published,
                "machine": bar.machine,
                "place": place,
                "stage": bar.stage,
                "behind": bar.behind,
                "told": f"{gap.model}, {bar.stage}: {text.significant(bar.behind)} times slower; "
                f"{bar.machine}: {bar.how}{unscored}" + ", published" * published,
            }
        )
    return rows
