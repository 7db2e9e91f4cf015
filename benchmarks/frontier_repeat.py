"""Whether the frontier of known networks comes out the same when it is measured once more.

Programs are built once; everything is timed twice, one run after the other. timm is needed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import Figure, Outcome, Said, finish, options

from paretune.pipeline.frontier import frontier
from paretune.report.hardware.models import ModelFrontier, ModelPoint

PRESET = "imagenet-cpu"


def twice(quick: bool) -> tuple[list[Figure], dict[str, Any]]:
    """Which networks are on the frontier of one run and, by their intervals, not on the other's."""
    runs = []
    for number in (1, 2):
        Said().stage(f"run {number}", 1)
        with tempfile.TemporaryDirectory(prefix="paretune-frontier-") as folder:
            runs.append(
                frontier(
                    preset_name=PRESET,
                    out=Path(folder) / "frontier",
                    seconds=0.2 if quick else 2.0,
                    starts=1 if quick else 3,
                    progress=Said(),
                )
            )
    one, other = runs
    first, second = _by_variant(one), _by_variant(other)
    both = sorted(first.keys() & second.keys())
    beaten = strays(one, other) | strays(other, one)
    shared = set(one.frontier) & set(other.frontier)
    every = set(one.frontier) | set(other.frontier)
    overlap = [_overlap(first[name], second[name]) for name in both]
    apart = statistics.median(abs(second[name].ms / first[name].ms - 1) for name in both)
    said = f"{len(beaten)} of {len(every)}; {len(shared)} on both"
    figures = [
        Figure("frontier/strays", len(beaten), said),
        Figure("frontier/apart", apart, f"{apart:.1%}, {len(both)} programs"),
        Figure("frontier/overlap", sum(overlap) / len(both), f"{sum(overlap) / len(both):.0%}"),
    ]
    details = {
        "strays": sorted(beaten),
        "frontiers": [list(run.frontier) for run in runs],
        "ms": {name: [(p.ms, *p.ci95) for p in (first[name], second[name])] for name in both},
        "left_out": [run.left_out for run in runs],
    }
    return figures, details


def strays(one: ModelFrontier, other: ModelFrontier) -> set[str]:
    """Of one frontier, what another network beats in the other run beyond both their intervals."""
    points = _by_variant(other)
    return {
        name
        for name in one.frontier
        if name not in points or any(_beaten(points[name], by) for by in points.values())
    }


def _beaten(point: ModelPoint, by: ModelPoint) -> bool:
    return by.accuracy >= point.accuracy and by.ci95[1] < point.ci95[0]


def _overlap(one: ModelPoint, other: ModelPoint) -> bool:
    return one.ci95[0] <= other.ci95[1] and other.ci95[0] <= one.ci95[1]


def _by_variant(run: ModelFrontier) -> dict[str, ModelPoint]:
    return {point.variant: point for point in run.points}


def main() -> int:
    """Run the preset twice."""
    args = options(__doc__ or "").parse_args()
    found = Outcome()
    found.part(PRESET, lambda: twice(args.quick))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
