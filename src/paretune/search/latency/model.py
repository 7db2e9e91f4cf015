"""Predicting the latency of an architecture from some that were measured.

A network's time is close to a sum over its pieces, and not quite: what a piece costs depends on
what the caches hold and on how layers are fused with their neighbours. So the pieces' own times are
read off the profiles of whole networks, where they stand in company, and then corrected so that the
sums agree with whole networks' times as measured:

    T(x) = c + a * sum_u n_u(x) p_u + sum_u n_u(x) d_u + e,     d_u ~ N(0, t^2 v_u^2)

with n_u how often piece u stands in x, p_u its profiled time, and v_u its p_u or the mean of all,
whichever is larger. c, a and the corrections d_u follow by weighted least squares with a Gaussian
prior (Rasmussen and Williams 2006, sections 2.7 and 5.4.2); t is chosen by leave-one-out error.
All of it is linear in x, so an integer programme can take it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search.latency.design import signatures
from paretune.search.latency.oracle import Reading
from paretune.search.space import Choice, Space

Floats = NDArray[np.float64]

#: Relative error of one measured latency, and candidates of t for which it is weighed.
NOISE = 0.015
TIGHTNESS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
#: Fewest networks that a model can be made from, of a space that has as many.
FEWEST = 4
#: No prediction is less: at its fast end a space is extrapolated, and a sum may come to nothing.
LEAST = 0.01


@dataclass(frozen=True)
class LatencyModel:
    """Linear in the options of a space; times relative to the baseline's, which is 1.

    Attributes:
        weights: of every option, (m,).
        intercept: what no option changes.
        error: mean relative leave-one-out error over the networks it was made from.
        profiled: share of options whose piece was profiled; the others are guessed from their cost.
    """

    weights: Floats
    intercept: float
    error: float
    profiled: float

    def predict(self, choices: Choice) -> Floats:
        """Time of architectures relative to the baseline's, (n,), `LEAST` at least.

        Args:
            choices: bool (n, m) or (m,).
        """
        made: Floats = np.atleast_2d(choices).astype(float) @ self.weights + self.intercept
        return np.maximum(made, LEAST)


def check_enough(space: Space, readings: Sequence[Reading], why: str = "") -> None:
    """Refuse to fit a model to next to nothing.

    Args:
        space: the architectures.
        readings: those that could be measured.
        why: what became of the last one that could not.

    Raises:
        InputError: too few networks.
    """
    least = min(FEWEST, space.count())
    if len(readings) < least:
        raise InputError(
            f"{len(readings)} networks could be timed, and a latency model needs {least:.0f}"
            + (f": {why}" if why else "")
        )


def fit(
    space: Space,
    readings: Sequence[Reading],
    costs: Mapping[str, tuple[int, int]],
) -> LatencyModel:
    """A model of what was measured.

    Args:
        space: the architectures.
        readings: of networks of this space, profiled where that was possible.
        costs: multiply-accumulates and parameters of every option.

    Raises:
        InputError: too few networks.
    """
    check_enough(space, readings)
    choices = np.stack([space.of(reading.options) for reading in readings])
    times = np.array([1 / reading.speed for reading in readings])
    kinds = signatures(space)
    pieces = np.zeros((len(space.options), kinds.max() + 1))
    pieces[np.arange(len(kinds)), kinds] = 1
    counts: Floats = choices.astype(float) @ pieces
    own, told = _profiled(space, readings, times, kinds, costs)
    spread = np.maximum(own, own.mean()) if own.any() else np.ones_like(own)
    best: tuple[float, Floats] | None = None
    for tightness in TIGHTNESS:
        solved = _solve(counts, own, spread * tightness, times)
        if best is None or solved[0] < best[0]:
            best = solved
    assert best is not None
    error, (intercept, *per_piece) = best
    return LatencyModel(
        weights=pieces @ np.array(per_piece),
        intercept=float(intercept),
        error=error,
        profiled=float((pieces @ told).mean()),
    )


def _solve(counts: Floats, own: Floats, spread: Floats, times: Floats) -> tuple[float, Floats]:
    """Mean relative leave-one-out error, and (intercept, time of each piece)."""
    plain = np.column_stack([np.ones(len(times)), counts @ own])
    scale = 1 / (NOISE * times)  # errors are relative
    rows = np.column_stack([plain, counts * spread]) * scale[:, None]
    ridge = np.diag([1e-9, 1e-9, *np.ones(len(spread))])
    inverse = np.linalg.inv(rows.T @ rows + ridge)
    found = inverse @ rows.T @ (times * scale)
    leverage = np.einsum("ij,jk,ik->i", rows, inverse, rows)
    left_out = (times * scale - rows @ found) / np.maximum(1 - leverage, 1e-3)
    error = float(np.mean(np.abs(left_out)) * NOISE)
    return error, np.array([found[0], *(found[1] * own + found[2:] * spread)])


def _profiled(
    space: Space,
    readings: Sequence[Reading],
    times: Floats,
    kinds: NDArray[np.int64],
    costs: Mapping[str, tuple[int, int]],
) -> tuple[Floats, Floats]:
    """Mean time of every piece in the company it was seen in, and 1 for those that were seen.

    A piece that was never profiled is guessed by non-negative least squares of the others' times on
    multiply-accumulates and parameters.
    """
    from scipy.optimize import nnls

    total = np.zeros(kinds.max() + 1)
    seen = np.zeros(kinds.max() + 1)
    for reading, time in zip(readings, times, strict=True):
        for name, share in reading.shares.items():
            if name:
                total[kinds[space.index[name]]] += share * time
                seen[kinds[space.index[name]]] += 1
    own = np.divide(total, seen, out=np.zeros_like(total), where=seen > 0)
    features = np.zeros((len(own), 3))
    for option, kind in zip(space.options, kinds, strict=True):
        features[kind] = (*costs[option.id], 1.0)
    features[:, :2] /= np.maximum(features[:, :2].max(axis=0), 1)
    if (seen > 0).any():
        guess, _ = nnls(features[seen > 0], own[seen > 0])
    else:  # nothing is told by the runtime: whole networks must do
        guess = np.array([1.0, 0.2, 0.05])
    own = np.where(seen > 0, own, features @ guess)
    return own, (seen > 0).astype(float)
