"""`report.html`: one self-contained file that answers first and explains after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretune._version import __version__
from paretune.artifact import headline
from paretune.core import UNDER_LOAD, Result
from paretune.report import _head, _search, _sections, text
from paretune.report.charts import NARROW, WIDE, Chart, charts, to_svg
from paretune.report.charts._render import inline
from paretune.report.folder import made
from paretune.report.hardware import against, sections
from paretune.report.quantisation import effects, verdict
from paretune.store import paths

REPORT_FILE = "report.html"
#: What each condition's `kind` is called.
KINDS = {
    "noise": "Noisy machine",
    "frequency": "Frequency drift",
    "drift": "Speed changed",
    "budget": "Budget",
    "quota": "CPU quota",
    "fallback": "Left out",
    "cache": "Reused measurements",
    "holdout": "Not borne out by the holdout",
    "labels": "Without labels",
    "baseline": "Baseline not shown to beat chance",
    "outputs": "Held on one output",
}
CAPTIONS = {
    "frontier": (
        "Speed and accuracy of every variant",
        "Bars are 95 % intervals; those of accuracy are paired with the baseline on the same "
        "samples. The dashed line is the frontier: the best accuracy to be had within a time. "
        "Pale marks were rejected. Hover or tap a mark for its figures.",
    ),
    "search": (
        "What the search found",
        "Architectures that were timed: speed against the baseline's own architecture, both int8, "
        "as measured with its 95 % interval and as predicted (the cross), and the divergence "
        "predicted before they were trained whole, with its 90 % interval. "
        "Hover or tap a mark for its figures.",
    ),
    "stages": (
        "What each stage gained",
        "Fastest variant of each stage that meets the constraints. Ratios here are of the bars, "
        "against the model as it came; the headline's ratio is from interleaved rounds.",
    ),
    "sizes": (
        "Size and speed per precision",
        "The fastest variant of each program.",
    ),
    "layers": (
        "Where the time goes, layer by layer",
        "Slowest layers, coloured by the precision that the runtime really executed: layers "
        "without an int8 kernel run in f32 even in an int8 model. Profiling slows calls down, so "
        "the sums exceed the latency.",
    ),
}


def write(result: Result, folder: Path) -> Path:
    """Write `report.html` into `folder`, whole or not at all.

    Args:
        result: what the run found.
        folder: made if absent; what `against.keep` put there gets sections of its own.

    Returns:
        The file.

    Raises:
        InputError: the folder cannot be written, or a record in it is damaged.
    """
    file = made(folder) / REPORT_FILE
    paths.write_text_atomic(file, page(result, against.kept(folder)))
    return file


def page(result: Result, other: against.Against | None = None) -> str:
    """The report as HTML text; everything that came from outside is escaped by the template.

    Args:
        result: what the run found.
        other: what it is set against.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html").render(
        _context(result, other or against.Against())
    )


def _context(result: Result, other: against.Against) -> dict[str, Any]:
    wide, narrow = (charts(result, width=width) for width in (WIDE, NARROW))
    drawn = {
        name: {
            "title": CAPTIONS[name][0],
            "caption": CAPTIONS[name][1],
            **_drawn(name, wide[name], narrow[name]),
        }
        for name in wide
    }
    chosen = result.variant(result.chosen)
    found = effects(result)
    ordered = text.by_objective(result.variants, result.objective)
    return {
        "version": __version__,
        "result": result,
        "answer": _head.answer(result),
        "facts": _head.facts(result),
        "chosen": text.short(chosen, result),
        "instead": _head.instead(result),
        "missed": [c for c in result.constraints if not c.satisfied],
        "constraints": [_head.constraint(held) for held in result.constraints],
        "conditions": [(KINDS.get(c.kind, c.kind), c.text) for c in result.conditions],
        "charts": drawn,
        "verdict": verdict(found),
        "effects": [_sections.effect(effect) for effect in found],
        "variants": [_sections.row(variant, result) for variant in ordered],
        "counts": _sections.counts(result),
        "metric": headline.metric_name(result),
        "loaded": result.objective in UNDER_LOAD,
        "layers": _sections.layers(result),
        "machine": _sections.machine(result),
        "ledger": _sections.ledger(result),
        "search": _search.section(result),
        "hardware": [_hardware(section) for section in sections.sections(result, other)],
    }


def _hardware(section: sections.Section) -> dict[str, Any]:
    wide, narrow = (section.chart(width) for width in (WIDE, NARROW))
    drawn = {} if wide is None or narrow is None else _drawn(section.name, wide, narrow)
    return {
        "title": section.title,
        "lines": section.lines,
        "chart": drawn | {"caption": section.caption} if drawn else None,
    }


def _drawn(name: str, wide: Chart, narrow: Chart) -> dict[str, str]:
    """Both widths of a chart, to stand in the page."""
    from markupsafe import Markup

    # SVG text made by vl-convert, which escapes what it draws.
    return {
        "wide": Markup(inline(to_svg(wide), f"{name}-w")),
        "narrow": Markup(inline(to_svg(narrow), f"{name}-n")),
    }
