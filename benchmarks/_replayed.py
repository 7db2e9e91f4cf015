"""What searches cost on a real task, from the evaluations that `record_search_cost.py` recorded.

    {"task", "architectures": to choose from, "epochs": {"evaluation", "finish"},
     "full_training_flops": of the baseline, "baseline": {"accuracy", "latency_ms"},
     "corner": [worst error in points, worst ms],
     "library_flops", "finish_flops": by search, what it needs before and after,
     "searches", "finished": by search, by seed: `accuracy`, `latency_ms`, `flops` of what was
     evaluated in turn, and of the best after its finish}

Search only and total are measured; what it would cost to train in full each network that a search
evaluated, as the first searches did, is extrapolated from their number and kept apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from _common import Figure, show
from _curves import Cost, Floats, cost_ratio, curve, spread

from paretune.core import InputError, Noun
from paretune.search.solve import hypervolume


class Evaluated(Noun):
    """One network."""

    accuracy: float
    latency_ms: float
    flops: float


class Baseline(Noun):
    """What networks are held against."""

    accuracy: float
    latency_ms: float


class Record(Noun):
    """The whole file; see the module's text."""

    task: str
    architectures: float
    epochs: dict[str, float]
    full_training_flops: float
    corner: tuple[float, float]
    baseline: Baseline
    library_flops: dict[str, float]
    finish_flops: dict[str, float]
    searches: dict[str, tuple[tuple[Evaluated, ...], ...]]
    finished: dict[str, tuple[Evaluated, ...]]


def recorded(file: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Cost to the same hypervolume, as shares of what all searches together reached.

    The level is what every seed reached of the search that ended highest; another that ran out of
    networks before it counts with all it spent, so its ratio is a lower bound.

    Raises:
        InputError: the file is no such record.
    """
    try:
        told = Record.model_validate_json(file.read_bytes())
        for name in told.searches:
            told.library_flops[name], told.finish_flops[name], told.finished[name]
    except (KeyError, ValueError) as error:
        raise InputError(f"{file} is not a record of evaluations: {error!r}") from error
    points = {name: [_points(seed) for seed in seeds] for name, seeds in told.searches.items()}
    whole = hypervolume(np.concatenate([p for s in points.values() for p in s]), told.corner)
    ends = {
        name: [hypervolume(p, told.corner) / whole for p in seeds] for name, seeds in points.items()
    }
    level = min(max(ends.values(), key=lambda shares: float(np.median(shares))))
    full = told.full_training_flops
    costs: dict[str, list[Cost]] = {}
    for name, seeds in told.searches.items():
        for seed, at in zip(seeds, points[name], strict=True):
            spent = np.cumsum([one.flops for one in seed])
            found = curve(at, spent, told.corner, whole).cost(level, float(spent[-1]))
            costs.setdefault(name, []).append(found)
    totals = {
        name: [
            (told.library_flops[name] + flops + told.finish_flops[name], count, reached)
            for flops, count, reached in found
        ]
        for name, found in costs.items()
    }
    show(
        f"full-training equivalents to {level:.1%} of all that was reached, medians",
        ("search", "search only", "total", "each in full, extrapolated", "fell short"),
        [
            (
                name,
                f"{np.median([cost[0] for cost in found]) / full:.2f}",
                f"{np.median([cost[0] for cost in totals[name]]) / full:.2f}",
                f"{np.median([cost[1] for cost in found]):.0f}",
                f"{sum(not cost[2] for cost in found)} of {len(found)}",
            )
            for name, found in costs.items()
        ],
    )
    figures = []
    for kind, by_name in (("search", costs), ("total", totals)):
        key = f"search_cost/recorded/{kind}"
        figures.append(spread(f"{key}/ours", [cost[0] / full for cost in by_name["ours"]]))
        figures += [
            cost_ratio(f"{key}/{name}_over_ours", found, by_name["ours"])
            for name, found in by_name.items()
            if name != "ours"
        ]
    for name, ended in told.finished.items():
        speeds = [told.baseline.latency_ms / one.latency_ms for one in ended]
        lost = np.median([100 * (told.baseline.accuracy - one.accuracy) for one in ended])
        figure = spread(f"search_cost/recorded/finished/{name}", speeds, "x")
        text = f"{figure.text}, {lost:+.2f} pt"
        figures.append(Figure(figure.key, figure.value, text, figure.ci95))
    return figures, {
        "task": told.task,
        "architectures": told.architectures,
        "epochs": told.epochs,
        "level": level,
        "measured": {
            "search_only_flops": {n: [c[0] for c in found] for n, found in costs.items()},
            "total_flops": {n: [c[0] for c in found] for n, found in totals.items()},
            "reached": {n: [c[2] for c in found] for n, found in costs.items()},
            "share_in_the_end": ends,
        },
        "extrapolated": {
            "full_trainings_if_each_were_trained_in_full": {
                n: [c[1] for c in found] for n, found in costs.items()
            }
        },
    }


def _points(seed: tuple[Evaluated, ...]) -> Floats:
    return np.array([(100 * (1 - one.accuracy), one.latency_ms) for one in seed])
