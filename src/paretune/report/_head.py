"""What the page answers first."""

from __future__ import annotations

from paretune.artifact import headline
from paretune.core import ConstraintResult, Estimate, Result, parse_constraint
from paretune.report import text


def answer(result: Result) -> dict[str, str]:
    """The largest line of the page and the sentence below it."""
    ratio = result.ratios.latency_vs_baseline
    if result.chosen == result.baseline:
        big = "Nothing beat the baseline"
    elif not ratio.differs_from_one:
        big = "No difference in speed"
    elif ratio.value > 1:
        big = f"{ratio.value:.2f}x as fast"
    else:
        big = f"{1 / ratio.value:.2f}x slower"
    return {"big": big, "accuracy": headline.accuracy(result), "where": headline.where(result)}


def instead(result: Result) -> str:
    """What is handed back where a constraint is not met."""
    guards = [c for c in result.constraints if parse_constraint(c.text).guards]
    if all(constraint.satisfied for constraint in guards):
        return "The best variant that keeps the accuracy is handed back instead."
    return "No variant keeps the accuracy that was asked for: the model as it came is handed back."


def facts(result: Result) -> list[dict[str, str]]:
    """The boxes of the head: what, figure, and how sure."""
    held, ratios = result.holdout, result.ratios
    metric = headline.metric_name(result)
    chosen = result.variant(result.chosen)
    boxes = [
        _ratio("Against the model as it came", ratios.latency_vs_baseline, result, result.baseline)
    ]
    if result.search is not None:
        against = ratios.latency_vs_best_compiled_baseline
        name = "Against the best compiled baseline"
        boxes.append(_ratio(name, against, result, result.best_compiled_baseline))
    if ratios.latency_vs_best_f32 is not None:
        boxes.append(_ratio("Against the best f32", ratios.latency_vs_best_f32, result, None))
    boxes.append(
        {
            "name": f"{metric[0].upper()}{metric[1:]} on the holdout",
            "figure": f"{held.chosen.value:.2%}",
            "sure": f"{text.change(held.drop)} against the baseline's {held.baseline.value:.2%}, "
            f"{held.chosen.n} samples",
        }
    )
    if not result.dataset.labelled and held.chosen.kl is not None:
        boxes.append(
            {
                "name": "Divergence on the holdout",
                "figure": f"{text.significant(held.chosen.kl)} nats",
                "sure": "from the baseline's class scores, mean over the samples",
            }
        )
    if chosen.latency_ms is not None:
        busy = f", {chosen.streams} calls at once" if chosen.streams > 1 else ""
        boxes.append(
            {
                "name": f"Latency of a call{busy}",
                "figure": f"{text.significant(chosen.latency_ms.p50)} ms",
                "sure": f"median {text.interval(chosen.latency_ms)}, "
                f"p95 {text.significant(chosen.latency_ms.p95)}",
            }
        )
    return boxes


def _ratio(name: str, ratio: Estimate, result: Result, reference: str | None) -> dict[str, str]:
    who = "" if reference is None else f", {headline.describe(result.variant(reference))}"
    figure = f"{ratio.value:.2f}x"
    low, high = ratio.ci95
    sure = f"95 % interval {low:.2f} to {high:.2f}{who}"
    if low == high == 1.0:
        return {"name": name, "figure": figure, "sure": f"it is the same variant{who}"}
    if not ratio.differs_from_one:
        sure = f"no difference: {sure}"
    return {"name": name, "figure": figure, "sure": sure}


def constraint(held: ConstraintResult) -> dict[str, str]:
    """A constraint, what was found, and whether it is met."""
    value = "not measured" if held.value is None else f"{held.value:.4g}"
    return {"text": held.text, "value": value, "verdict": "met" if held.satisfied else "not met"}
