"""The charts of a report: one definition each, from which HTML, SVG and PNG are made offline."""

from __future__ import annotations

from pathlib import Path

from paretune.core import Result
from paretune.report.charts import _layers, _scatter, _search, _sizes, _stages
from paretune.report.charts._gap import chart as gap_chart
from paretune.report.charts._gaps import chart as gaps_chart
from paretune.report.charts._models import chart as models_chart
from paretune.report.charts._render import to_html, to_png, to_svg
from paretune.report.charts._roofline import chart as roofline_chart
from paretune.report.charts._theme import NARROW, WIDE, Chart
from paretune.store import paths

#: File name -> definition. A definition returns None where the result has nothing to draw.
_CHARTS = {
    "frontier": _scatter.chart,
    "search": _search.chart,
    "stages": _stages.chart,
    "sizes": _sizes.chart,
    "layers": _layers.chart,
}


def charts(result: Result, *, width: int = WIDE) -> dict[str, Chart]:
    """Every chart that the result has something for, by name.

    Args:
        result: what was found.
        width: of the whole chart, in pixels: `WIDE` or `NARROW`.
    """
    made = {name: define(result, width) for name, define in _CHARTS.items()}
    return {name: chart for name, chart in made.items() if chart is not None}


def save(chart: Chart, folder: Path, name: str) -> list[Path]:
    """Write `NAME.svg`, `.png` and `.html` into a folder that exists.

    Returns:
        The files.
    """
    contents = {"svg": to_svg(chart).encode(), "png": to_png(chart)}
    contents["html"] = to_html(chart).encode()
    written = []
    for suffix, content in contents.items():
        file = folder / f"{name}.{suffix}"
        paths.write_bytes_atomic(file, content)
        written.append(file)
    return written


__all__ = [
    "NARROW",
    "WIDE",
    "Chart",
    "charts",
    "gap_chart",
    "gaps_chart",
    "models_chart",
    "roofline_chart",
    "save",
    "to_html",
    "to_png",
    "to_svg",
]
