"""How right a variant is: a metric, its interval, and the paired drop to the baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import Ci95, Estimate, InputError, Score, Task, user_code
from paretune.measure.statistics import bootstrap_ci, paired_drop, wilson

Outputs = NDArray[np.float32]
Labels = NDArray[np.int64]
#: Probability that all classes together have which are rounded off; see `_log_probabilities`.
ROUNDED_OFF = 0.01
#: outputs (n, ...), labels or None, baseline outputs -> (n,) score of each sample, 0..1.
PerSample = Callable[[Outputs, Labels | None, Outputs], NDArray[np.float64]]


@dataclass(frozen=True)
class Metric:
    """A metric, higher is better, as a mean of per-sample scores or of all outputs at once.

    Attributes:
        name: as it stands in `dataset.metric` of the contract.
        per_sample: scores of single samples; None when `whole` is given.
        whole: `(outputs, labels) -> float`, for metrics that are no mean, such as F1 or mAP.
    """

    name: str
    per_sample: PerSample | None = None
    whole: Callable[[Outputs, Labels | None], float] | None = None


def top1(outputs: Outputs, labels: Labels | None, baseline: Outputs) -> NDArray[np.float64]:
    """1 where the highest score is the label's."""
    if labels is None:
        raise InputError("top1 needs labels: give labelled data or leave the metric out")
    _check_scores("top1", outputs)
    return np.asarray(outputs.argmax(axis=1) == labels, dtype=np.float64)


def agreement(outputs: Outputs, labels: Labels | None, baseline: Outputs) -> NDArray[np.float64]:
    """1 where the top-1 class is the baseline's."""
    _check_scores("agreement", outputs)
    return np.asarray(outputs.argmax(axis=1) == baseline.argmax(axis=1), dtype=np.float64)


def _check_scores(name: str, outputs: Outputs) -> None:
    """Refuse outputs that have no highest score: of one column the best is always the first.

    Raises:
        InputError: they are not (n, 2 or more).
    """
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise InputError(
            f"{name} compares the scores of two or more classes and the model's outputs have shape "
            f"{outputs.shape}: give a --metric for other models, such as fidelity"
        )


def fidelity(outputs: Outputs, labels: Labels | None, baseline: Outputs) -> NDArray[np.float64]:
    """1 - relative error of each output tensor against the baseline's, clipped to 0..1.

    The relative error is the Euclidean norm of the difference over that of the baseline's output.
    """
    flat, reference = outputs.reshape(len(outputs), -1), baseline.reshape(len(baseline), -1)
    norms = np.maximum(np.linalg.norm(reference, axis=1), 1e-12)
    error = np.linalg.norm(flat - reference, axis=1) / norms
    return np.asarray(np.clip(1.0 - error, 0.0, 1.0), dtype=np.float64)


METRICS = {
    "top1": Metric("top1", top1),
    "agreement": Metric("agreement", agreement),
    "fidelity": Metric("fidelity", fidelity),
}


def choose_metric(name: str | None, task: Task, labelled: bool) -> Metric:
    """The named metric, or the one that task and labels suggest.

    Args:
        name: a name of `METRICS`, or `package.module:function`, called as
            `function(outputs, labels)` and returning a float or one score per sample.

    Raises:
        InputError: unknown name, or a metric that needs what is not there.
    """
    if name is None:
        if task != "classification":
            return METRICS["fidelity"]
        return METRICS["top1" if labelled else "agreement"]
    if name == "top1" and not labelled:
        raise InputError("metric top1 needs labels and the data has none: leave --metric out")
    if name in METRICS:
        return METRICS[name]
    if not user_code.is_reference(name):
        known = ", ".join(METRICS)
        raise InputError(f"unknown metric {name!r}: give one of {known} or package.module:function")
    function = user_code.find(name, what="metric", returns="a float or one score per sample")

    def whole(outputs: Outputs, labels: Labels | None) -> float:
        found = user_code.call(function, outputs, labels, what="metric", text=name)
        try:
            return float(np.mean(found))
        except (TypeError, ValueError):
            raise InputError(
                f"metric {name} returned {type(found).__name__}: it must return a float or one "
                "score per sample"
            ) from None

    return Metric(name, whole=whole)


def score(
    metric: Metric,
    split: str,
    outputs: Outputs,
    labels: Labels | None,
    baseline: Outputs,
    *,
    classifier: bool,
    seed: int = 0,
) -> Score:
    """Everything known of a variant's outputs on a split.

    Args:
        metric: what choices are made on.
        split: `search` or `holdout`.
        outputs: (n, ...) float32 of the variant.
        labels: (n,) int64 or None.
        baseline: (n, ...) float32 of the baseline, same samples.
        classifier: whether outputs are (n, classes) scores.
        seed: of the bootstrap.
    """
    value, ci, drop = _value(metric, outputs, labels, baseline, seed)
    extra: dict[str, Any] = {}
    if classifier:
        extra["agreement"] = float(agreement(outputs, labels, baseline).mean())
        kl = kl_divergence(outputs, baseline)
        extra["kl"] = float(kl.mean())
        extra["kl_ci95"] = bootstrap_ci(kl, lambda rows: rows.mean(axis=-1), seed=seed)
        if labels is not None and outputs.shape[1] > 5:
            best = np.argpartition(outputs, -5, axis=1)[:, -5:]
            extra["top5"] = float((best == labels[:, None]).any(axis=1).mean())
    return Score(split=split, value=value, ci95=ci, n=len(outputs), drop=drop, **extra)


def _value(
    metric: Metric, outputs: Outputs, labels: Labels | None, baseline: Outputs, seed: int
) -> tuple[float, Ci95, Estimate]:
    """Value, interval and paired drop of a metric."""
    if metric.per_sample is not None:
        scores = metric.per_sample(outputs, labels, baseline)
        reference = metric.per_sample(baseline, labels, baseline)
        drop = paired_drop(reference, scores, seed=seed)
        if np.isin(scores, (0.0, 1.0)).all():
            return float(scores.mean()), wilson(int(scores.sum()), len(scores)), drop
        ci = bootstrap_ci(scores, lambda rows: rows.mean(axis=-1), seed=seed)
        return float(scores.mean()), ci, drop
    assert metric.whole is not None
    whole = metric.whole

    def both(picks: NDArray[np.int64]) -> tuple[float, float]:
        chosen = None if labels is None else labels[picks]
        return whole(outputs[picks], chosen), whole(baseline[picks], chosen)

    value, reference_value = both(np.arange(len(outputs)))
    if not np.isfinite([value, reference_value]).all():
        raise InputError(
            f"metric {metric.name!r} is {value} for a variant and {reference_value} for the "
            "baseline: return a finite number"
        )
    draws = np.random.default_rng(seed).integers(0, len(outputs), size=(200, len(outputs)))
    pairs = np.asarray([both(picks) for picks in draws])
    # A resample may lack what a metric divides by, such as every sample of a rare class.
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) == 0:
        raise InputError(f"metric {metric.name!r} is not finite on any resample: add samples")
    low, high = np.percentile(pairs[:, 0], [2.5, 97.5])
    drop_low, drop_high = np.percentile(pairs[:, 1] - pairs[:, 0], [2.5, 97.5])
    drop = Estimate(value=reference_value - value, ci95=(float(drop_low), float(drop_high)))
    return value, (float(low), float(high)), drop


#: Samples whose outputs are looked at together: each is copied several times over.
ROWS = 1024


def kl_divergence(outputs: Outputs, baseline: Outputs) -> NDArray[np.float64]:
    """Of every sample, KL(baseline's distribution || ours), nats, (n,).

    Args:
        outputs: (n, classes) logits, or probabilities where the model ends in a softmax.
        baseline: the same of the baseline, which alone tells what they are: a softmax that was
            quantised does not sum to 1 any more.
    """
    sums = baseline.sum(axis=1, dtype=np.float64)
    probabilities = bool((baseline >= 0).all() and np.allclose(sums, 1.0, atol=1e-2))
    parts = [np.empty(0)]
    for start in range(0, len(outputs), ROWS):
        both = (one[start : start + ROWS] for one in (outputs, baseline))
        ours, theirs = (_log_probabilities(one, probabilities) for one in both)
        parts.append((np.exp(theirs) * (theirs - ours)).sum(axis=1))
    return np.concatenate(parts).clip(min=0.0)


def _log_probabilities(outputs: Outputs, probabilities: bool) -> NDArray[np.float64]:
    """Log-softmax of logits; logarithm of rows that are distributions, apart from rounding."""
    from scipy.special import log_softmax

    values = outputs.astype(np.float64)
    if not probabilities:
        return np.asarray(log_softmax(values, axis=1))
    # What 8 bits round to 0 is not impossible: all that is below this share is treated alike.
    values = np.maximum(values, ROUNDED_OFF / values.shape[1])
    return np.asarray(np.log(values / values.sum(axis=1, keepdims=True)))
