"""A report's charts as files of their own."""

from __future__ import annotations

from pathlib import Path

from paretune.core import Result
from paretune.report.charts import WIDE, charts, save
from paretune.report.folder import made
from paretune.report.hardware import against, sections


def write_charts(result: Result, folder: Path) -> list[Path]:
    """Write `charts/NAME.png`, `.svg` and `.html` into `folder`.

    Args:
        result: what the run found.
        folder: of the run; what `against.keep` put there is drawn, too.

    Returns:
        The files.

    Raises:
        InputError: the folder cannot be written, or a record in it is damaged.
    """
    drawn = dict(charts(result))
    for section in sections.sections(result, against.kept(folder)):
        chart = section.chart(WIDE)
        if chart is not None:
            drawn[section.name] = chart
    place = made(folder / "charts")
    return [file for name, chart in drawn.items() for file in save(chart, place, name)]
