"""A front of architectures: the best at each of many budgets, and others unlike it beside it.

No predictor of accuracy tells the best of a few good architectures apart, so several are wanted
at a budget, and they should differ where it matters: in what becomes of the blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError
from paretune.search.solve._cuts import apart
from paretune.search.solve._programme import best
from paretune.search.solve._reach import reach
from paretune.search.space import Choice, Space


def front(
    space: Space,
    *,
    loss: ArrayLike,
    latency: ArrayLike,
    points: int = 16,
    diverse: int = 1,
    distance: int = 2,
    base_latency: float = 0.0,
) -> list[Choice]:
    """The best architectures at budgets spread over all that can be reached, fastest first.

    Deterministic. An architecture that is best at several budgets comes once.

    Args:
        space: all architectures.
        loss: of each option, float (m,); lower is better.
        latency: of each option, float (m,), ms.
        points: how many budgets.
        diverse: how many architectures a budget: the best; the best that differs from it in at
            least `distance` blocks; the best that differs so from both; and so on.
        distance: in blocks; see `diverse`.
        base_latency: of what no option changes, ms.

    Returns:
        At most `points * diverse` architectures, bool (m,) each, in the order of the budgets.

    Raises:
        InputError: the numbers do not fit the space, or the fastest latency is not above 0.
        ParetuneError: the solver gave up.
    """
    found: dict[bytes, Choice] = {}
    for budget in budgets(
        space, loss=loss, latency=latency, points=points, base_latency=base_latency
    ):
        here: list[Choice] = []
        while len(here) < diverse:
            choice = best(
                space,
                loss=loss,
                latency=latency,
                budget=float(budget),
                base_latency=base_latency,
                cuts=[apart(space, other, distance) for other in here],
            )
            if choice is None:
                break
            here.append(choice)
        found |= {choice.tobytes(): choice for choice in here if choice.tobytes() not in found}
    return list(found.values())


def budgets(
    space: Space,
    *,
    loss: ArrayLike,
    latency: ArrayLike,
    points: int,
    base_latency: float = 0.0,
) -> NDArray[np.float64]:
    """Latencies to aim at, in equal ratios, float (points,), ms.

    From the fastest architecture to the fastest of those with the least loss: a budget below
    meets nothing, one above changes nothing.

    Args:
        space: all architectures.
        loss: of each option, float (m,).
        latency: of each option, float (m,), ms.
        points: how many, at least 2.
        base_latency: of what no option changes, ms.

    Raises:
        InputError: the numbers do not fit the space, or the fastest latency is not above 0.
    """
    if points < 2:
        raise InputError(f"a front needs at least 2 budgets, got points={points}")
    fastest = reach(space, latency, base=base_latency)
    if fastest.low <= 0:
        raise InputError(
            f"the fastest architecture would take {fastest.low:.4g} ms: give the latency of what "
            "no option changes as base_latency"
        )
    losses, times = np.asarray(loss, dtype=np.float64), np.asarray(latency, dtype=np.float64)
    # A billionth of latency breaks ties between architectures of the same loss.
    tie = 1e-9 * (float(np.abs(losses).max()) or 1.0) / (float(np.abs(times).max()) or 1.0)
    top = reach(space, losses + tie * times).least
    return np.geomspace(fastest.low, max(base_latency + times[top].sum(), fastest.low), points)
