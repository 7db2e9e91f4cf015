"""What searches had covered when, and what that cost: the arithmetic of comparing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _common import Figure
from numpy.typing import NDArray

from paretune.measure.statistics import bootstrap_ci
from paretune.search.solve import hypervolume

Floats = NDArray[np.float64]
#: FLOPs and networks until a level, and whether it was reached before the budget.
Cost = tuple[float, int, bool]


@dataclass(frozen=True)
class Curve:
    """One search of one seed.

    Attributes:
        spent: training FLOPs after each network, float (n,).
        area: hypervolume after each network, as a share of what is known to be reachable.
    """

    spent: Floats
    area: Floats

    def cost(self, level: float, budget: float) -> Cost:
        """FLOPs and networks until a level, and whether it was reached before the budget."""
        reached = np.flatnonzero(self.area >= level)
        if reached.size:
            return float(self.spent[reached[0]]), int(reached[0]) + 1, True
        return budget, len(self.spent), False


def curve(points: Floats, spent: Floats, corner: tuple[float, float], whole: float) -> Curve:
    """Hypervolume of the first 1, 2, ... points (error, latency), as a share of `whole`."""
    areas = [hypervolume(points[: n + 1], corner) / whole for n in range(len(points))]
    return Curve(spent=np.asarray(spent, dtype=float), area=np.array(areas))


def cost_ratio(key: str, one: list[Cost], other: list[Cost]) -> Figure:
    """Ratio of geometric means of the FLOPs, both sides resampled over seeds."""
    logs = np.log([[a[0], b[0]] for a, b in zip(one, other, strict=True)])
    random = np.random.default_rng(0)
    n = len(logs)
    draws = logs[random.integers(0, n, (2000, n)), 0].mean(axis=1) - logs[
        random.integers(0, n, (2000, n)), 1
    ].mean(axis=1)
    low, high = (float(x) for x in np.exp(np.percentile(draws, [2.5, 97.5])))
    value = float(np.exp(logs[:, 0].mean() - logs[:, 1].mean()))
    short = sum(not reached for *_, reached in one)
    # A search that ran out of budget would have cost more: the ratio is a lower bound then.
    least = f", at least: {short} of {n} ran out of budget" if short else ""
    return Figure(key, value, f"{value:.1f}x ({low:.1f} to {high:.1f}){least}", (low, high))


def spread(key: str, values: list[float], unit: str = "") -> Figure:
    """Median over seeds with its interval."""
    low, high = bootstrap_ci(np.array(values), lambda rows: np.median(rows, axis=-1))
    value = float(np.median(values))
    text = f"{value:.2f}{unit} ({low:.2f} to {high:.2f})"
    return Figure(key, value, text, (low, high))
