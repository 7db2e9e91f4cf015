"""How well a few labelled networks predict all others, and how honest the intervals are.

On NAS-Bench-Macro (`_macro.py`) nothing is trained: 12, 24 or 48 of the 6,561 networks are
labelled, chosen by `anchors_design` or by chance, and all others are predicted. Networks of
different size are ranked by FLOPs alone quite well, so ranks are compared inside 20 slices of
equally many networks of nearly equal FLOPs (328 each): the figure of a draw is the mean over slices
of Spearman's correlation, and the figure shown is the median over draws with its 95 % bootstrap
interval. Coverage is the mean over draws: that is what a 90 % interval promises.

The second part judges the surrogate on networks that a search has distilled, quantised and scored,
recorded in a file (`--recorded`); without the file there is nothing to judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import _macro
import numpy as np
from _common import ROOT, Figure, Outcome, Said, finish, options, show
from _recorded import Recorded, slices
from numpy.typing import NDArray
from scipy.stats import spearmanr

from paretune.measure.statistics import bootstrap_ci
from paretune.search.accuracy import (
    AccuracySurrogate,
    additive_baseline,
    anchors_design,
    flops_baseline,
)

Floats = NDArray[np.float64]
RECORDED = ROOT / "benchmarks" / "recorded" / "accuracy_surrogate.json"
SIZES = (12, 24, 48)
SLICES = 20
#: What a draw finds, by name: ranks inside slices but for the last two.
FOUND = ("surrogate", "its linear part", "additive", "FLOPs", "parameters", "covered", "error")


def within(predicted: Floats, measured: Floats, cost: Floats, count: int) -> float:
    """Mean over slices of equal numbers of networks, by cost, of Spearman's correlation."""
    found = [spearmanr(predicted[part], measured[part])[0] for part in slices(cost, count)]
    return float(np.mean(found))


def draw(macro: _macro.Macro, n: int, *, design: bool, seed: int) -> dict[str, float]:
    """Label n networks and predict the others."""
    random = np.random.default_rng(seed)
    drop = 100 * (macro.accuracy[macro.rows(macro.space.baseline()[None])] - macro.accuracy)
    if design:
        rows = macro.rows(anchors_design(macro.space, n, random))
    else:
        rows = random.choice(len(drop), n, replace=False)
    rest = np.setdiff1d(np.arange(len(drop)), rows)
    labelled, others, values = macro.choices[rows], macro.choices[rest], drop[rows]
    model = AccuracySurrogate.fit(macro.space, anchors=(labelled, values), costs=macro.latency)
    found, truth = model.predict(others), drop[rest]
    params = np.linalg.lstsq(macro.choices.astype(float), macro.params, rcond=None)[0]
    predictions = {
        "surrogate": found.mean,
        "its linear part": others @ model.linear(),
        "additive": additive_baseline(labelled, values).predict(others),
        "FLOPs": flops_baseline(labelled, values, macro.latency).predict(others),
        "parameters": flops_baseline(labelled, values, params).predict(others),
    }
    flops = macro.flops[rest]
    ranks = {name: within(one, truth, flops, SLICES) for name, one in predictions.items()}
    return ranks | {
        "covered": float(((truth >= found.low) & (truth <= found.high)).mean()),
        "error": float(np.abs(found.mean - truth).mean()),
    }


def labelled_few(draws: int) -> tuple[list[Figure], dict[str, Any]]:
    """Every number of labels, chosen by design and by chance."""
    macro = _macro.load(_macro.folder())
    details: dict[str, Any] = {"slices": SLICES, "draws": draws}
    figures: list[Figure] = []
    rows = []
    for n in SIZES:
        for how in ("design", "chance"):
            Said().step(f"{n} labels by {how}")
            found = [draw(macro, n, design=how == "design", seed=seed) for seed in range(draws)]
            each = {name: np.array([one[name] for one in found]) for name in FOUND}
            details[f"{n}/{how}"] = {name: values.tolist() for name, values in each.items()}
            shown = {
                name: over_draws(values, np.mean if name == "covered" else np.median)
                for name, values in each.items()
            }
            rows.append((str(n), how, *(shown[name][1] for name in FOUND)))
            suffix = str(n) if how == "design" else f"{n}/chance"
            figures += [Figure(f"macro/{suffix}/{name}", *shown[name]) for name in FOUND]
    show("ranks inside slices of equal FLOPs, median over draws", ("n", "labels", *FOUND), rows)
    return figures, details


def over_draws(
    values: Floats, middle: Callable[..., Any]
) -> tuple[float, str, tuple[float, float]]:
    """Median or mean, its text and its bootstrap interval."""
    value = float(middle(values))
    low, high = bootstrap_ci(values, lambda rows: np.asarray(middle(rows, axis=-1)))
    return value, f"{value:.3f} ({low:.3f} to {high:.3f})", (low, high)


def recorded(file: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Held-out networks of a reference task: ranks, error and coverage."""
    known = Recorded.read(file)
    space, held_out, truth = known.space, known.held_out.rows(known.space), known.held_out.loss
    model = AccuracySurrogate.fit(space, **known.fidelities())
    found = model.predict(held_out)
    labelled, values = known.anchors.rows(space), np.array(known.anchors.values)
    predictions = {
        "surrogate": found.mean,
        "additive": additive_baseline(labelled, values).predict(held_out),
        "FLOPs": flops_baseline(labelled, values, np.array(known.flops)).predict(held_out),
    }
    # Slices of about ten networks: fewer rank by chance, more are not of equal latency.
    count = max(1, len(truth) // 10)
    latency = np.array(known.latency_ms)
    inside = (truth >= found.low) & (truth <= found.high)
    ranks = {name: rank(one, truth) for name, one in predictions.items()}
    lead = ranks["surrogate"] - max(ranks["additive"], ranks["FLOPs"])
    sliced = within(found.mean, truth, latency, count)
    figures = [
        *(of_networks(f"recorded/{name}", rank, one, truth) for name, one in predictions.items()),
        Figure("recorded/lead", lead, f"{lead:+.3f}"),
        Figure("recorded/sliced", sliced, f"{sliced:.3f} in {count} slices"),
        of_networks("recorded/error", distance, found.mean, truth),
        Figure("recorded/covered", float(inside.mean()), f"{inside.sum()} of {len(inside)}"),
    ]
    details = {
        "task": known.task,
        "held_out": len(truth),
        "slices": count,
        "predicted": [found.low.tolist(), found.mean.tolist(), found.high.tolist()],
        "measured": truth.tolist(),
        "report": model.report({"FLOPs": np.array(known.flops)}).model_dump(mode="json"),
    }
    return figures, details


def rank(predicted: Floats, measured: Floats) -> float:
    """Spearman's correlation."""
    return float(spearmanr(predicted, measured)[0])


def distance(predicted: Floats, measured: Floats) -> float:
    """Mean distance."""
    return float(np.abs(predicted - measured).mean())


def of_networks(key: str, statistic: Callable[[Floats, Floats], float], *pair: Floats) -> Figure:
    """A figure of predicted and measured (n,), its interval from resampling networks."""
    value = statistic(*pair)
    low, high = bootstrap_ci(
        np.column_stack(pair), lambda rows: np.array([statistic(*row.T) for row in rows])
    )
    return Figure(key, value, f"{value:.3f} ({low:.3f} to {high:.3f})", (low, high))


def main() -> int:
    """Judge on NAS-Bench-Macro, and on recorded networks where there are any."""
    parser = options(__doc__ or "")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--recorded", type=Path, default=RECORDED)
    args = parser.parse_args()
    found = Outcome()
    found.part("macro", partial(labelled_few, 3 if args.quick else args.draws))
    if args.recorded.is_file():
        found.part("recorded", partial(recorded, args.recorded))
    else:
        Said().note(f"held-out networks of a reference task: not measured, no {args.recorded}")
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
