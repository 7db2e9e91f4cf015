"""What bounds on latency, throughput and cost ask of a search, in terms that it can aim at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from paretune.core import Constraint, VariantRecord, measured

LATENCIES = ("latency_p50", "latency_p95", "latency_p99")
#: What networks are timed as while they are searched for.
RUNTIME, PRECISION = "openvino", "int8"


def quickest_threads(raced: Sequence[VariantRecord]) -> int | None:
    """Threads on which the user's own architecture is served fastest in int8; None if unknown.

    On fewer than the most only where that was shown: raced at other times, both are noisy.

    Args:
        raced: variants of the user's own architecture.
    """
    own = [
        (r.threads, r.latency_ms)
        for r in raced
        if (r.runtime, r.precision, r.streams) == (RUNTIME, PRECISION, 1) and r.latency_ms
    ]
    if not own:
        return None
    most, there = max(own, key=lambda one: (one[0], -one[1].p50))
    fewer, best = min(own, key=lambda one: one[1].p50)
    return fewer if best.ci95[1] < there.ci95[0] else most


def most_ms(constraints: Sequence[Constraint], own: VariantRecord) -> float:
    """Median latency that a network may have, milliseconds; infinite where nothing bounds it.

    The median of what keeps a percentile below a bound lies below it, too.

    Args:
        constraints: all that will be held.
        own: the model as it came, which relative bounds are of.
    """
    bounds = [
        c.bound(measured(own, c.metric))
        for c in constraints
        if c.metric in LATENCIES and c.op in ("<=", "<")
    ]
    return min(bounds, default=math.inf)


def least_speed(
    constraints: Sequence[Constraint],
    own: VariantRecord,
    raced: Sequence[VariantRecord],
    price_per_hour: float | None,
) -> float:
    """By how much a network must be faster than the user's own, both as int8; 0 for no matter.

    A network that is so many times as fast is taken to serve so many times as much.

    Args:
        constraints: all that will be held.
        own: the model as it came, which relative bounds are of.
        raced: variants of the user's own architecture.
        price_per_hour: of the machine, USD.
    """
    rates = [
        r.throughput_per_s or 0.0 for r in raced if (r.runtime, r.precision) == (RUNTIME, PRECISION)
    ]
    fastest = own.model_copy(update={"throughput_per_s": max(rates, default=0.0)})
    if not fastest.throughput_per_s:
        return 0.0
    needed = [0.0]
    for constraint in constraints:
        better = {"throughput": (">=", ">"), "cost": ("<=", "<")}.get(constraint.metric, ())
        if constraint.op not in better:
            continue
        base, now = (
            measured(r, constraint.metric, price_per_hour=price_per_hour) for r in (own, fastest)
        )
        bound = constraint.bound(base)
        if now and bound > 0:
            needed.append(bound / now if constraint.metric == "throughput" else now / bound)
    return max(needed)
