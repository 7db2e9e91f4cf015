"""Which architectures to measure, so that the measurements say the most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search.accuracy._kernels import Additive, Agreement
from paretune.search.space import Choice, Space

Floats = NDArray[np.float64]

#: Architectures that the design picks from.
CANDIDATES = 1500
#: Draws of candidates before a space is said to have too few.
_DRAWS = 20
#: Noise of a measurement against the variance of the function: a twin says little new.
_NOISE = 0.1


def anchors_design(
    space: Space,
    n: int,
    random: np.random.Generator,
    *,
    weights: Floats | None = None,
    candidates: Choice | None = None,
    measured: Choice | None = None,
) -> Choice:
    """Different architectures, bool (n, m), that together determine the model best.

    The next one is always that whose value is known least given those before it, which maximises
    the determinant of the information greedily: D-optimal for one weight an option, with the
    agreement kernel standing in for interactions (Krause, Singh & Guestrin 2008, section 3; Fedorov
    1972 for the linear model).

    Args:
        space: the architectures.
        n: how many.
        random: where chance comes from.
        weights: of each option (m,), tilts the candidates that are drawn as in `Space.sample`.
        candidates: bool (k, m) to pick from instead of drawing.
        measured: bool (k, m) that will be measured anyway; the design completes them.

    Raises:
        InputError: there are fewer than n different candidates.
    """
    pool = _pool(space, n, random, weights) if candidates is None else candidates
    pool = random.permutation(np.unique(np.asarray(pool, dtype=bool), axis=0))
    known = np.zeros((0, pool.shape[1]), dtype=bool) if measured is None else measured
    spans = np.array([option.span for option in space.options], dtype=float)
    additive = Additive("option", np.diag(spans / space.blocks))
    agreement = Agreement("agreement", spans, 0.5)
    both = np.concatenate([known, pool])
    if len(pool) < n:
        raise InputError(f"a design of {n} architectures has only {len(pool)} to pick from")
    # Pivoted Cholesky factorisation: columns of the covariance only for what is picked.
    left = additive.diagonal(both) + agreement.diagonal(both)
    factor = np.zeros((len(both), len(known) + n))
    picked: list[int] = []
    for column in range(len(known) + n):
        pivot = column if column < len(known) else int(np.argmax(left))
        row = both[pivot][None]
        covariance = (additive.gram(both, row) + agreement.gram(both, row)).ravel()
        covariance -= factor[:, :column] @ factor[pivot, :column]
        factor[:, column] = covariance / np.sqrt(covariance[pivot] + _NOISE)
        left = left - factor[:, column] ** 2
        picked.append(pivot)
        left[picked] = left[: len(known)] = -np.inf
    return both[picked[len(known) :]]


def _pool(space: Space, n: int, random: np.random.Generator, weights: Floats | None) -> Choice:
    """Different candidates, drawn until they suffice."""
    found = np.zeros((0, len(space.options)), dtype=bool)
    for _ in range(_DRAWS):
        drawn = space.sample(random, CANDIDATES, weights)
        found = np.unique(np.concatenate([found, drawn]), axis=0)
        if len(found) >= n:
            break
    return found
