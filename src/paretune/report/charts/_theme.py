"""How all charts look: colours that differ for every kind of colour vision, on light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from altair import ChartType

    Chart: TypeAlias = ChartType
else:
    Chart = object

#: Whole width in pixels: for a page, and for a phone held upright.
WIDE, NARROW = 760, 340

#: Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), its blue, green and vermilion
#: lightened a little so that they also stand out on a dark page.
COLOURS = {
    "f32": "#2F86C8",
    "tf32": "#8C8C8C",
    "bf16": "#12A27C",
    "f16": "#C874A4",
    "int8": "#E5761B",
    "untold": "#9AA0A6",
}
SHAPES = {
    "torch-eager": "square",
    "torch-compile": "diamond",
    "onnxruntime": "triangle-up",
    "openvino": "circle",
    "tensorrt": "cross",
}
#: Text takes the colour of the page it stands on; a PNG has a white ground and black text.
INK = "currentColor"
#: Metric-compatible with Arial and Helvetica, and known to vl-convert, so measured widths hold.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def config() -> dict[str, Any]:
    """Vega-Lite configuration."""
    axis = {
        "labelColor": INK,
        "titleColor": INK,
        "tickColor": INK,
        "domainColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.12,
        "tickOpacity": 0.4,
        "domainOpacity": 0.4,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelFont": FONT,
        "titleFont": FONT,
    }
    legend = {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelFont": FONT,
        "titleFont": FONT,
        "symbolSize": 90,
    }
    title = {"color": INK, "font": FONT, "fontSize": 13, "anchor": "start", "fontWeight": "bold"}
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "legend": legend,
        "title": title,
        "text": {"color": INK, "font": FONT, "fontSize": 12},
    }


def scale(domain: list[str], table: dict[str, str], fallback: str) -> Any:
    """A categorical scale in the table's order, with only what is shown."""
    import altair as alt

    known = [name for name in table if name in domain]
    known += sorted(set(domain) - set(known))
    return alt.Scale(domain=known, range=[table.get(name, fallback) for name in known])


def legend(columns: int, **options: Any) -> Any:
    """A legend above the chart."""
    import altair as alt

    return alt.Legend(orient="top", columns=columns, symbolOpacity=1, **options)


def rows_chart(rows: list[dict[str, Any]], **options: Any) -> Any:
    """A chart over rows that travel inside of it."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=rows), **options)
