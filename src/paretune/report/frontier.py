"""The measurements that no other measurement beats on every objective."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from paretune.core import VariantRecord
from paretune.report.pace import pace


def pareto(points: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Names of the non-dominated points, by their first coordinate, best first.

    A point is dominated where another is at least as good in every coordinate and better in one;
    equal points do not dominate one another. Points with a coordinate that is not finite are out.

    Args:
        points: coordinates by name, the same number for each; lower is better in all.
    """
    finite = {n: tuple(p) for n, p in points.items() if all(math.isfinite(x) for x in p)}
    front = [
        name
        for name, point in finite.items()
        if not any(_dominates(other, point) for other in finite.values())
    ]
    return tuple(sorted(front, key=lambda name: finite[name]))


def points_of(
    records: Iterable[VariantRecord], objective: str = "latency", *, size: bool = False
) -> dict[str, tuple[float, ...]]:
    """`pace` (ms), negated accuracy and, where asked for, size (MB) of what was measured."""
    points: dict[str, tuple[float, ...]] = {}
    for record in records:
        time = pace(record, objective)
        if time is None or record.accuracy is None:
            continue
        point: tuple[float, ...] = (time.value, -record.accuracy.value)
        if size:
            point += (math.inf if record.size_mb is None else record.size_mb,)
        points[record.id] = point
    return points


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
