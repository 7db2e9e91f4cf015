"""The answer in three sentences: how much faster, at what accuracy, on what."""

from __future__ import annotations

from paretune.core import Estimate, Result, VariantRecord

#: Accuracy points in a fraction of 1.
POINT = 100.0


def times(ratio: Estimate) -> str:
    """A latency ratio with its interval, such as `6.71x (6.60 to 6.82)`."""
    return f"{ratio.value:.2f}x ({ratio.ci95[0]:.2f} to {ratio.ci95[1]:.2f})"


def compared(ratio: Estimate, reference: str) -> str:
    """One sentence fragment about a ratio: faster, slower or no difference."""
    if not ratio.differs_from_one:
        return f"no difference in speed to {reference} ({times(ratio)})"
    if ratio.value > 1.0:
        return f"{times(ratio)} as fast as {reference}"
    slower = Estimate(value=1 / ratio.value, ci95=(1 / ratio.ci95[1], 1 / ratio.ci95[0]))
    return f"{times(slower)} slower than {reference}"


def speed(result: Result) -> str:
    """How much faster the chosen variant is than the baseline."""
    baseline = result.variant(result.baseline)
    if result.chosen == result.baseline:
        return f"Nothing beat the baseline ({describe(baseline)}): it is handed back as it came."
    text = compared(
        result.ratios.latency_vs_baseline, f"the model as it came ({describe(baseline)})"
    )
    return text[0].upper() + text[1:] + "."


def search(result: Result) -> str | None:
    """What the search alone has won; None where nothing was searched or the baseline was kept."""
    if result.search is None:
        return None
    best = result.variant(result.best_compiled_baseline)
    reference = f"the best compiled baseline ({describe(best)})"
    if result.variant(result.chosen).architecture == best.architecture:
        return f"The search found nothing that beats {reference}."
    return f"The search: {compared(result.ratios.latency_vs_best_compiled_baseline, reference)}."


def accuracy(result: Result) -> str:
    """What the holdout says of the chosen variant's accuracy."""
    held = result.holdout
    drop = held.drop
    points = f"{abs(drop.value) * POINT:.2f} pt"
    low, high = (bound * POINT for bound in drop.ci95)
    figures = f"{held.chosen.value:.2%} against {held.baseline.value:.2%}"
    if drop.value == drop.ci95[0] == drop.ci95[1] == 0:
        change = "unchanged"
    else:
        word = "lower" if drop.value > 0 else "higher"
        moved = "unchanged" if drop.value == 0 else f"{points} {word}"
        change = f"{moved} (drop {low:+.2f} to {high:+.2f} pt, 95 %)"
    name, kl = metric_name(result), held.chosen.kl
    apart = "" if result.dataset.labelled or kl is None else f", divergence {kl:.2g} nats,"
    return (
        f"{name[0].upper()}{name[1:]} {figures}: {change}{apart} on {held.chosen.n} held-out "
        "samples."
    )


def where(result: Result) -> str:
    """The machine and the threads the figures hold for."""
    chosen = result.variant(result.chosen)
    threads = plural(chosen.threads, "thread")
    return f"On {result.target.label}, {threads}, batch {chosen.batch}."


def describe(record: VariantRecord) -> str:
    """A variant without its architecture, such as `openvino int8 fast`."""
    parts = [record.runtime, record.precision, record.recipe]
    return " ".join(part for part in parts if part)


def metric_name(result: Result) -> str:
    """The metric as a reader says it."""
    names = {"top1": "top-1 accuracy", "agreement": "agreement with the baseline"}
    return names.get(result.dataset.metric, result.dataset.metric)


def divergence_unit(result: Result) -> str:
    """What a search's divergence is counted in: of class scores KL, of other outputs no such."""
    return "nats" if result.holdout.baseline.kl is not None else "squared error / variance"


def plural(count: int, noun: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
