"""Fronts of points: what no other point beats, and how much of the plane a front covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError


def nondominated(points: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other point dominates, bool (n,).

    A point is dominated where another is at least as good in every coordinate and better in one,
    so of equal points all stay or all go.

    Args:
        points: float (n, k); lower is better in every coordinate.
    """
    values = np.asarray(points, dtype=np.float64)
    alive = np.ones(len(values), dtype=bool)
    for place, point in enumerate(values):
        if alive[place]:
            worse = (values >= point).all(axis=1) & (values > point).any(axis=1)
            alive &= ~worse
    return alive


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Area that a set of points dominates, bounded by a reference point.

    The Lebesgue measure of the union of the rectangles between each point and the reference
    (Zitzler & Thiele 1998, "Multiobjective optimization using evolutionary algorithms").

    Args:
        points: float (n, 2); lower is better; those beyond the reference add nothing.
        reference: float (2,): the worst that counts in each coordinate.

    Returns:
        The area, in the product of the two units.

    Raises:
        InputError: not two coordinates a point.
    """
    values, corner = np.asarray(points, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or corner.shape != (2,):
        raise InputError(
            f"hypervolume takes points (n, 2) and a reference (2,), got {values.shape}"
        )
    ordered = values[np.lexsort(values.T[::-1])]
    ordered = ordered[(ordered < corner).all(axis=1)]
    # Strips between the best second coordinate so far and the one before, left to right.
    steps = np.minimum.accumulate(np.append(corner[1], ordered[:, 1]))
    return float(((corner[0] - ordered[:, 0]) * (steps[:-1] - steps[1:])).sum())
