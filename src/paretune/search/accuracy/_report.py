"""How far each fidelity can be predicted, and what simpler regressions reach."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from paretune.core import Noun
from paretune.search.accuracy._features import Features
from paretune.search.accuracy._given import Measured
from paretune.search.accuracy._level import Latent, Level
from paretune.search.accuracy.baselines import additive_baseline, flops_baseline
from paretune.search.space import Choice

Floats = NDArray[np.float64]


class FidelityReport(Noun):
    """One fidelity, each row predicted from the others.

    Attributes:
        name: `untrained` or `anchors`.
        n: different architectures measured.
        spearman: rank correlation of predicted and measured; None where one of them is constant.
        additive: the same of one weight an option.
        swap_one: the same of the plain sum of swap-one scores, None without scores.
        costs: the same of a regression on each total cost, by name.
        mean_error: mean distance of predicted and measured, in the fidelity's unit.
        coverage: share of rows inside their 90 % interval.
        compounding: how many times steeper losses are, at the median of the values, where they add
            up than at the least value; 1 is plainly additive.
        noise: share of the variance that nothing explains, on the scale where losses add up.
    """

    name: str
    n: int
    spearman: float | None
    additive: float | None
    swap_one: float | None
    costs: dict[str, float | None]
    mean_error: float
    coverage: float
    compounding: float
    noise: float


class SurrogateReport(Noun):
    """All measured fidelities, the dearest last.

    Attributes:
        fidelities: one report each.
    """

    fidelities: tuple[FidelityReport, ...]


def fidelity_report(
    *,
    name: str,
    measured: Measured,
    level: Level,
    left_out: Latent,
    widening: float,
    features: Features,
    costs: Mapping[str, Floats],
) -> FidelityReport:
    """Compare what was left out with what was measured; `costs` are float64 (m,) by name."""
    choices, values = measured.choices, measured.values
    predicted = level.warp.backward(left_out.mean)
    within = np.abs(level.latent - left_out.mean) <= widening * left_out.sd
    swap = None if features.score is None else spearman(features.apart(choices), values)
    return FidelityReport(
        name=name,
        n=len(values),
        spearman=spearman(predicted, values),
        additive=spearman(additive_baseline(choices, values).left_out, values),
        swap_one=swap,
        costs={key: _of_cost(choices, values, row) for key, row in costs.items()},
        mean_error=float(np.abs(predicted - values).mean()),
        coverage=float(within.mean()),
        compounding=level.warp.compounding(float(np.median(values))),
        noise=min(1.0, level.variances.noise),
    )


def _of_cost(choices: Choice, values: Floats, row: Floats) -> float | None:
    return spearman(flops_baseline(choices, values, row).left_out, values)


def spearman(left: Floats, right: Floats) -> float | None:
    """Rank correlation of (n,) with (n,), None where one of them is constant."""
    from scipy.stats import spearmanr

    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(spearmanr(left, right).statistic)
