"""Altair definitions to files, without a browser and without the network."""

from __future__ import annotations

import re
from typing import Any

from paretune.report.charts._theme import Chart, config


def specification(chart: Chart) -> dict[str, Any]:
    """The chart as Vega-Lite, with the common configuration."""
    spec: dict[str, Any] = chart.to_dict()
    spec["config"] = config()
    spec["autosize"] = {"type": "pad", "contains": "padding"}
    return spec


def to_svg(chart: Chart) -> str:
    """The chart as SVG text."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(
        specification(chart), vl_version=_version(), allowed_base_urls=[]
    )
    return svg


def to_png(chart: Chart, *, scale: float = 2.0) -> bytes:
    """The chart as PNG on white."""
    import vl_convert

    spec = specification(chart)
    spec["config"]["background"] = "white"
    png: bytes = vl_convert.vegalite_to_png(
        spec, vl_version=_version(), scale=scale, allowed_base_urls=[]
    )
    return png


def to_html(chart: Chart) -> str:
    """The chart as one offline HTML page that holds the Vega libraries."""
    import vl_convert

    html: str = vl_convert.vegalite_to_html(
        specification(chart), vl_version=_version(), bundle=True, renderer="svg"
    )
    return html


def inline(svg: str, prefix: str) -> str:
    """An SVG fit to stand in a page among others: fluid width, and ids of its own.

    Args:
        svg: as `to_svg` gives it.
        prefix: put before every id.
    """
    found = re.search(r'<svg[^>]*\bwidth="([\d.]+)"', svg)
    widest = f"max-width:{float(found.group(1)):.0f}px" if found else ""
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    text = f'{head} style="width:100%;height:auto;{widest}">{body}'
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", text)
    return re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', text)


def _version() -> str:
    """Vega-Lite version that Altair writes, among those that vl-convert knows, else its latest."""
    import altair
    import vl_convert

    major, minor = altair.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    known: list[str] = vl_convert.get_vegalite_versions()
    return f"{major}.{minor}" if f"{major}.{minor}" in known else known[-1]
