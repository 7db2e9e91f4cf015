"""The search's own story as rows of text."""

from __future__ import annotations

from typing import Any

from paretune.artifact import headline
from paretune.core import Change, Ranked, Result, SearchPoint
from paretune.report import text

#: Blocks of a change that are named before the rest is only counted.
NAMED = 2


def section(result: Result) -> dict[str, Any] | None:
    """Everything the page says of the search, None where there was none."""
    summary = result.search
    if summary is None:
        return None
    chosen = result.variant(result.chosen).architecture
    point = next((p for p in summary.points if p.architecture == chosen), None)
    return {
        "answer": headline.search(result),
        "changes": [] if point is None else [_change(change) for change in point.changes],
        "rows": [
            _row(p, summary.judged_by) | {"role": "chosen" if p is point else ""}
            for p in summary.points
        ],
        "judged_by": (
            headline.metric_name(result)
            if summary.judged_by == "accuracy"
            else f"divergence from the baseline, {headline.divergence_unit(result)}"
        ),
        "unit": headline.divergence_unit(result),
        "figures": [
            ("Replaceable blocks", f"{summary.blocks}"),
            ("Architectures in the space", f"{summary.architectures:.1e}"),
            ("What blocks may become", f"{summary.options} options"),
            ("Faster than what they replace", f"{summary.worth} options"),
            ("Judged with inherited weights", f"{summary.judged} options"),
            ("Trained block by block", f"{summary.trained} options"),
            (
                "Networks timed for the latency model",
                f"{summary.networks}, mean error {summary.latency_error:.1%} (leaving one out)",
            ),
            ("Compositions scored before training", f"{summary.scored}"),
            *_ranked(summary.ranked),
            ("Trained whole", f"{sum(p.score is not None for p in summary.points)} architectures"),
        ],
    }


def _ranked(ranked: Ranked | None) -> list[tuple[str, str]]:
    """How far their order is told by what is predicted of each from the others."""
    if ranked is None:
        return []
    told = {
        "rank correlation": ranked.surrogate,
        "of single options added up": ranked.additive,
        "of multiply-adds alone": ranked.macs,
    }
    parts = [f"{name} {value:.2f}" for name, value in told.items() if value is not None]
    parts.append(f"{ranked.covered:.0%} inside their 90 % interval")
    return [("Each predicted from the others", ", ".join(parts))]


def _change(change: Change) -> dict[str, str]:
    names = ", ".join(change.blocks[:NAMED])
    more = len(change.blocks) - NAMED
    return {
        "blocks": f"{names} and {more} more" if more > 0 else names,
        "words": change.words,
        "saves": f"{change.saves:.1%}",
        "kl": "" if change.kl is None else text.significant(change.kl),
    }


def _row(point: SearchPoint, judged_by: str) -> dict[str, str]:
    sure = point.speed_ci95
    low, high = point.loss_ci90
    return {
        "name": point.architecture,
        "predicted": f"{point.predicted_speed:.2f}x",
        "measured": "" if point.measured_speed is None else f"{point.measured_speed:.2f}x",
        "sure": "" if sure is None else f"{sure[0]:.2f} to {sure[1]:.2f}",
        "loss": text.significant(point.predicted_loss),
        "loss_sure": f"{text.significant(low)} to {text.significant(high)}",
        "score": point.reason or ("" if point.score is None else _score(point.score, judged_by)),
    }


def _score(score: float, judged_by: str) -> str:
    return text.percent(score) if judged_by == "accuracy" else text.significant(-score)
