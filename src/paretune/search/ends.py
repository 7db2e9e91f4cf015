"""The ends of what a space reaches in latency: predicted first, then timed.

A latency model is made from networks of the middle of a space, so at its ends it extrapolates, and
its leave-one-out error says nothing of them. What is told as an end is therefore timed.
"""

from __future__ import annotations

from collections.abc import Sequence

from paretune.core import Progress
from paretune.search.latency import LatencyModel, LatencyOracle, Reading, measured
from paretune.search.solve import reach
from paretune.search.space import Choice


def fastest(
    oracle: LatencyOracle, latency: LatencyModel, readings: Sequence[Reading], told: Progress
) -> float:
    """Least time of an architecture, relative to the baseline's; as measured where it can be.

    Args:
        oracle: times the architecture that is predicted to be fastest.
        latency: over `oracle.space`.
        readings: what was timed before, which may be faster yet; at least one.
        told: told of the timing, and why the prediction counts where it fails.
    """
    told.stage("time the fastest in reach", 1)
    least = reach(oracle.space, latency.weights).least
    return min(timed(oracle, latency, least, told), *(1 / one.speed for one in readings))


def timed(oracle: LatencyOracle, latency: LatencyModel, choice: Choice, told: Progress) -> float:
    """Time of an architecture relative to the baseline's; as predicted where it cannot be timed.

    Args:
        oracle: times it.
        latency: over `oracle.space`.
        choice: bool (m,).
        told: told of the timing, and why there is none where it fails.
    """
    found = measured(oracle, [choice], told)
    return 1 / found[0].speed if found else float(latency.predict(choice)[0])
