"""The report's sections on hardware: the gap to a GPU, the machine's limits, known networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from paretune.core import InputError, Result
from paretune.report import charts
from paretune.report.hardware import gap_table, model_table, roofline_table
from paretune.report.hardware.against import Against
from paretune.report.hardware.gap import gaps
from paretune.report.hardware.subjects import model_name
from paretune.store import records

#: What the run itself is called among records.
RUN = "this run"
GAP = (
    "Each stage against the GPU at its best. Times of two machines cannot be interleaved, so an "
    "interval is that of both medians together."
)
ROOFLINE = (
    "Every layer against what its arithmetic or its memory traffic takes at least on this machine, "
    "whose limits were measured."
)
FRONTIER = (
    "Known networks on this machine, in every precision: latency against accuracy. Own models are "
    "marked."
)


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Attributes:
        name: of its chart's file.
        title, caption: printed above and below the chart.
        lines: the answer, in sentences.
        chart: draws it that wide, None where there is nothing to draw.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    caption: str
    chart: Callable[[int], charts.Chart | None]


def sections(result: Result, against: Against) -> list[Section]:
    """A section for every kind of record that there is.

    Args:
        result: of the run.
        against: what it is set against.
    """
    found = [_gap(result, against)] if against.records else []
    for place, roofline in enumerate(against.rooflines):
        found.append(
            Section(
                name=_numbered("roofline", place),
                title="How near this machine's limits",
                lines=tuple(roofline_table.summary(roofline)),
                caption=ROOFLINE,
                chart=partial(charts.roofline_chart, roofline),
            )
        )
    for place, frontier in enumerate(against.frontiers):
        found.append(
            Section(
                name=_numbered("models", place),
                title="Known networks on this machine",
                lines=(f"On {frontier.target.label}:", *model_table.summary(frontier)),
                caption=FRONTIER,
                chart=partial(charts.models_chart, frontier),
            )
        )
    return found


def _gap(result: Result, against: Against) -> Section:
    """The gap, or why there is none to be drawn."""
    title = "How far from a GPU"
    own = records.of_run(result)
    name = model_name(own, result.variant(result.baseline).architecture)
    try:
        found = gaps({RUN: own, **against.records}, model=name).models[0]
    except InputError as error:
        reason = str(error)
        return Section("gap", title, (f"Not drawn: {reason}.",), "", lambda _: None)
    lines = tuple(gap_table.summary(found))
    return Section("gap", title, lines, GAP, partial(charts.gap_chart, found))


def _numbered(name: str, place: int) -> str:
    return f"{name}-{place + 1}" if place else name
