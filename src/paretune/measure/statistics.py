"""Intervals: every figure Paretune prints carries one of these.

All functions are deterministic: resampling takes a seed. SciPy is imported where it is used,
because every measuring process imports this package and its memory is measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from paretune.core import Ci95, Estimate

Floats = NDArray[np.float64]

RESAMPLES = 2000


def bootstrap_ci(
    units: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Ci95:
    """Percentile bootstrap interval over exchangeable units.

    Args:
        units: (n,) or (n, k) float64; rows are resampled whole (a row is a round or a burst, so
            that correlation inside it is kept: a cluster bootstrap).
        statistic: maps (resamples, n) or (resamples, n, k) to (resamples,).
        seed: of the resampling.
        resamples: how many.

    Returns:
        The 2.5 and 97.5 percentiles. Source: Efron & Tibshirani (1993), ch. 13 and 8.
    """
    picks = np.random.default_rng(seed).integers(0, len(units), size=(resamples, len(units)))
    low, high = np.percentile(statistic(units[picks]), [2.5, 97.5])
    return float(low), float(high)


def interquartile_mean(values: Floats, axis: int = -1) -> Floats:
    """Mean of the middle half along `axis`: nearly as robust as the median, with less variance.

    Source: the 25 % trimmed mean, recommended with bootstrap intervals by Agarwal et al. (2021),
    "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
    """
    ordered = np.sort(values, axis=axis)
    count = ordered.shape[axis]
    middle = range(count // 4, count - count // 4)
    return np.asarray(np.take(ordered, middle, axis=axis).mean(axis=axis))


def ratio_from_logs(log_ratios: Floats, *, seed: int = 0) -> Estimate:
    """The ratio that rounds agree on, from one log ratio per interleaved round.

    Args:
        log_ratios: (rounds,) natural logarithms of reference time / subject time.
        seed: of the bootstrap.

    Returns:
        exp of the interquartile mean, with its bootstrap interval. The interval is widened for
        small n.
    """
    n = len(log_ratios)
    centre = float(interquartile_mean(log_ratios))
    if n < 2:
        return Estimate(value=float(np.exp(centre)), ci95=(0.0, float("inf")))
    low, high = bootstrap_ci(log_ratios, interquartile_mean, seed=seed)
    return _widened(centre, low, high, n)


def ratio_from_groups(groups: list[Floats], *, seed: int = 0) -> Estimate:
    """The ratio that several fresh starts agree on, from the log ratios of each one's rounds.

    Where a process happens to lie in memory makes it up to a percent faster or slower for its whole
    life, however long it is timed. Only starting afresh shows that, so starts are the units: the
    bootstrap resamples whole starts and is widened to Student's t for the few there are. The noise
    of a start's rounds is in its mean already; resampling rounds as well would count it twice
    (Davison & Hinkley 1997, section 3.8).

    Args:
        groups: per start, (rounds,) natural logarithms of reference time / subject time.
        seed: of the bootstrap.
    """
    n = len(groups)
    if n == 1:
        return ratio_from_logs(groups[0], seed=seed)
    centres = np.asarray([interquartile_mean(group) for group in groups])
    centre = float(centres.mean())
    low, high = bootstrap_ci(centres, lambda rows: rows.mean(axis=-1), seed=seed)
    return _widened(centre, low, high, n)


def _widened(centre: float, low: float, high: float, n: int) -> Estimate:
    """A ratio from logarithms, its interval widened around the centre for small n."""
    widen = _widening(n)
    return Estimate(
        value=float(np.exp(centre)),
        ci95=(
            float(np.exp(centre + (low - centre) * widen)),
            float(np.exp(centre + (high - centre) * widen)),
        ),
    )


def _widening(n: int) -> float:
    """What undoes the percentile bootstrap's narrowness at n units.

    sqrt(n / (n - 1)) for the variance and t / z for the tails (Hesterberg 2015, "What Teachers
    Should Know About the Bootstrap", section 4.2).
    """
    from scipy.special import ndtri, stdtrit

    return float(np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.975) / ndtri(0.975))


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Ci95:
    """Wilson score interval of a proportion. Source: Wilson (1927), JASA 22, 209-212."""
    from scipy.special import ndtri

    if n == 0:
        return 0.0, 1.0
    z = float(ndtri(0.5 + confidence / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def paired_drop(baseline: Floats, other: Floats, *, seed: int = 0) -> Estimate:
    """Mean of baseline - other over the same samples; positive means the other is worse.

    Args:
        baseline: (n,) per-sample score, such as 1.0 where the top-1 class was right.
        other: (n,) the same samples' score for the other variant.
        seed: of the bootstrap.

    For 0/1 scores only discordant samples matter, so the interval is Newcombe's (1998, Statistics
    in Medicine 17, 2635-2650, method 10) for paired proportions, which stays honest when few
    samples disagree; for other scores it is a bootstrap over samples.
    """
    difference = np.asarray(baseline, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    value = float(difference.mean())
    binary = np.isin(baseline, (0.0, 1.0)).all() and np.isin(other, (0.0, 1.0)).all()
    if binary:
        return Estimate(value=value, ci95=_newcombe(np.asarray(baseline), np.asarray(other)))
    ci = bootstrap_ci(difference, lambda rows: rows.mean(axis=-1), seed=seed)
    return Estimate(value=value, ci95=ci)


def _newcombe(first: Floats, second: Floats) -> Ci95:
    """Newcombe's interval of p1 - p2 for paired 0/1 outcomes."""
    n = len(first)
    a = int(((first == 1) & (second == 1)).sum())
    b = int(((first == 1) & (second == 0)).sum())
    c = int(((first == 0) & (second == 1)).sum())
    d = n - a - b - c
    p1, p2 = (a + b) / n, (a + c) / n
    low1, high1 = wilson(a + b, n)
    low2, high2 = wilson(a + c, n)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    cross = float(a * d - b * c)
    if cross > n / 2:
        cross = cross - n / 2  # continuity correction, only where it does not change the sign
    elif cross > 0:
        cross = 0.0
    phi = cross / np.sqrt(margins) if margins > 0 else 0.0
    below, above = p1 - low1, high2 - p2
    delta = np.sqrt(max(0.0, below**2 - 2 * phi * below * above + above**2))
    above1, below2 = high1 - p1, p2 - low2
    epsilon = np.sqrt(max(0.0, above1**2 - 2 * phi * above1 * below2 + below2**2))
    return float(p1 - p2 - delta), float(p1 - p2 + epsilon)
