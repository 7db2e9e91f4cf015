"""The best architecture within a budget: an integer programme over the set partition.

With x the 0/1 vector of chosen options: minimise `loss @ x` subject to `covers @ x = 1` (every
block covered exactly once), `base_latency + latency @ x <= budget`, and any further cuts. It is
the programme of LANA (Molchanov et al. 2021, arXiv 2107.10624, equation 2), where the one-hot
constraints became a set partition so that an option may cover several blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError, ParetuneError
from paretune.search.solve import _checks
from paretune.search.solve._cuts import Cut, apart
from paretune.search.space import Choice, Space

#: Objectives are scaled to this: HiGHS stops at an absolute gap of 1e-6, so differences down to
#: a billionth of the largest loss still decide.
_SCALE = 1e3


def best(
    space: Space,
    *,
    loss: ArrayLike,
    latency: ArrayLike,
    budget: float,
    base_latency: float = 0.0,
    cuts: Sequence[Cut] = (),
) -> Choice | None:
    """The architecture of the least additive loss whose additive latency keeps to a budget.

    Exact up to rounding: the least loss to a billionth of the largest loss of an option, every
    condition to a billionth of its bound. Deterministic; of several optima any one is returned.

    Args:
        space: all architectures.
        loss: of each option, float (m,), any unit; lower is better.
        latency: of each option, float (m,), ms (or any unit that the budget shares).
        budget: the most that latency may be.
        base_latency: of what no option changes, added to every total.
        cuts: further conditions.

    Returns:
        The architecture, bool (m,), or None where none meets every condition; `reach` tells how
        close the space comes to the budget alone.

    Raises:
        InputError: the numbers do not fit the space.
        ParetuneError: the solver gave up.
    """
    losses = _checks.weights(space, loss, "loss")
    times = _checks.weights(space, latency, "latency")
    return _least(space, losses, [*cuts, Cut(times, budget - base_latency)])


def cheapest(
    space: Space,
    *,
    loss: ArrayLike,
    latency: ArrayLike,
    allowed: float,
    cuts: Sequence[Cut] = (),
) -> Choice | None:
    """The fastest architecture whose additive loss is at most `allowed`: `best`, turned round.

    Args:
        space: all architectures.
        loss: of each option, float (m,).
        latency: of each option, float (m,), ms.
        allowed: the most that the loss may be, in its unit.
        cuts: further conditions.

    Returns:
        The architecture, bool (m,), or None where none meets every condition.

    Raises:
        InputError: the numbers do not fit the space.
        ParetuneError: the solver gave up.
    """
    losses = _checks.weights(space, loss, "loss")
    times = _checks.weights(space, latency, "latency")
    return _least(space, times, [*cuts, Cut(losses, allowed)])


def _least(space: Space, objective: NDArray[np.float64], cuts: Sequence[Cut]) -> Choice | None:
    """The architecture of the least total objective that holds every cut, or None."""
    if any(np.isnan(cut.bound) for cut in cuts):
        raise InputError("a bound is not a number: give a finite one, or infinity for none")
    conditions = [cut for cut in cuts if cut.bound < np.inf]
    if any(cut.bound == -np.inf for cut in conditions):
        return None
    while True:
        found = _solve(space, objective, conditions)
        if found is None or all(cut.holds(found) for cut in conditions):
            return found
        # The solver takes a bound as met when it is off by its tolerance; what only slips through
        # by that is forbidden by name, so that what lies at the bound exactly stays in.
        conditions.append(apart(space, found))


def _solve(space: Space, losses: NDArray[np.float64], conditions: Sequence[Cut]) -> Choice | None:
    """One integer programme, its conditions held to the solver's tolerance of about 1e-6."""
    from scipy import optimize

    # What all options of a block have in common decides nothing, so it goes before scaling.
    common = np.array([losses[row[0]] for row in space.starting])
    objective = losses - common @ space.covers
    size = float(np.abs(objective).max())
    limits = [optimize.LinearConstraint(space.covers.astype(float), 1.0, 1.0)]
    for cut in conditions:
        # Scaled to coefficients around 1, since tolerances are absolute.
        scale = max(float(np.abs(cut.weights).max()), abs(cut.bound)) or 1.0
        limits.append(optimize.LinearConstraint(cut.weights / scale, -np.inf, cut.bound / scale))
    done = optimize.milp(
        objective * (_SCALE / size) if size > 0 else objective,
        constraints=limits,
        integrality=np.ones(len(objective)),
        bounds=optimize.Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0},
    )
    if done.status == 2:
        return None
    if done.status != 0:
        raise ParetuneError(f"the integer programme was not solved: {done.message}")
    return np.asarray(done.x > 0.5)
