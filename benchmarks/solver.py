"""The solver against brute force, its CPU time for a large front, NSGA-II against a true front.

Brute force knows all 6,561 networks of NAS-Bench-Macro; where options cover several blocks and
the space is too large to list, a dynamic programme over the blocks is the exact answer. NSGA-II
is given the table itself as its objective, which is not additive.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import _macro
import numpy as np
from _common import Figure, Outcome, finish, options, show
from numpy.typing import NDArray

from paretune.core import ParetuneError
from paretune.search import KEEP, Option, Space
from paretune.search.solve import best, front, hypervolume, nondominated, refine

Floats = NDArray[np.float64]
#: What counts in hypervolume: at least 80 % accuracy, no more FLOPs than the largest network.
WORST_ERROR = 20.0
EVALUATIONS = (300, 1000, 2000)


def large_space(blocks: int, operators: int, merges: int) -> Space:
    """Blocks of so many operators, every neighbouring pair merged in so many ways."""
    options = []
    for block in range(blocks):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        for k in range(operators - 1):
            options.append(Option(id=f"b{block}:o{k}", first=block, last=block, operator="other"))
        for k in range(merges if block + 1 < blocks else 0):
            name = f"b{block}-{block + 1}:m{k}"
            options.append(Option(id=name, first=block, last=block + 1, operator="merge"))
    return Space(blocks=blocks, options=tuple(options))


def numbers(space: Space, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Loss and latency of each option: to keep costs time and loses nothing."""
    keeps = np.array([option.operator == KEEP for option in space.options])
    spans = np.array([option.span for option in space.options])
    latency = np.where(keeps, 1.0, random.uniform(0.1, 1.0, len(spans))) * spans
    loss = random.gamma(1.0, size=len(spans)) * (1.1 * spans - latency) * np.sqrt(spans)
    return np.where(keeps, 0.0, loss), latency


def staircase(space: Space, loss: Floats, latency: Floats) -> Floats:
    """All non-dominated (latency, loss), float (n, 2), by a dynamic programme over blocks."""
    labels: list[list[tuple[float, float]]] = [[] for _ in range(space.blocks + 1)]
    labels[0] = [(0.0, 0.0)]
    for block, row in enumerate(space.starting):
        points = _pruned(labels[block])
        for place in row:
            after = labels[space.options[place].last + 1]
            after += [(t + latency[place], x + loss[place]) for t, x in points]
    return np.array(_pruned(labels[space.blocks]))


def _pruned(labels: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for label in sorted(labels):
        if not kept or label[1] < kept[-1][1]:
            kept.append(label)
    return kept


def against_brute_force(table: _macro.Macro, budgets: int) -> tuple[list[Figure], dict[str, Any]]:
    """Additive losses on all networks: fitted to the accuracies, and random ones."""
    random = np.random.default_rng(0)
    fitted = np.linalg.lstsq(table.choices.astype(float), table.points[:, 0], rcond=None)[0]
    equal = []
    for loss in (fitted, random.normal(size=len(fitted)), random.gamma(1.0, size=len(fitted))):
        losses = table.choices @ loss
        for budget in random.choice(np.unique(table.flops), budgets, replace=False):
            choice = best(table.space, loss=loss, latency=table.latency, budget=float(budget))
            least = losses[table.flops <= budget + 1e-6].min()
            equal.append(choice is not None and bool(np.isclose(choice @ loss, least, atol=1e-8)))
    text = f"{sum(equal)} of {len(equal)} budgets"
    return [Figure("solver_brute_force", float(np.mean(equal)), text)], {"budgets": len(equal)}


def against_programme(budgets: int) -> tuple[list[Figure], dict[str, Any]]:
    """Options that cover two blocks, at budgets where the exact front has a step."""
    space = large_space(16, 8, 2)
    loss, latency = numbers(space, np.random.default_rng(1))
    exact = staircase(space, loss, latency)
    picked = exact[np.linspace(0, len(exact) - 1, budgets).astype(int)]
    equal = []
    for budget, least in picked:
        choice = best(space, loss=loss, latency=latency, budget=float(budget))
        equal.append(choice is not None and bool(np.isclose(choice @ loss, least, atol=1e-8)))
    text = f"{sum(equal)} of {len(equal)} budgets"
    details = {"architectures": space.count(), "exact_front": len(exact)}
    return [Figure("solver_programme", float(np.mean(equal)), text)], details


def large_front(repeats: int) -> tuple[list[Figure], dict[str, Any]]:
    """CPU seconds for a 16-point front of 24 blocks x 20 operators, alone and with three a budget.

    The solver runs on one core, so its CPU time is what an idle machine would show.
    """
    seconds: dict[str, list[float]] = {}
    for name, merges, diverse in (("plain", 0, 1), ("merges", 2, 1), ("three a budget", 2, 3)):
        space = large_space(24, 20, merges)
        for seed in range(repeats):
            loss, latency = numbers(space, np.random.default_rng(seed))
            start = time.process_time()
            found = front(space, loss=loss, latency=latency, base_latency=1.0, diverse=diverse)
            seconds.setdefault(name, []).append(time.process_time() - start)
            if not 16 <= len(found) <= 16 * diverse:
                raise ParetuneError(f"the front has {len(found)} points")
    worst = {name: max(values) for name, values in seconds.items()}
    show(
        "16 budgets, 24 blocks x 20",
        ("space", "worst CPU s"),
        [(n, f"{s:.2f}") for n, s in worst.items()],
    )
    plain, merged, three = worst.values()
    text = f"{plain:.2f} s (merging {merged:.2f} s, three a budget {three:.2f} s)"
    return [Figure("solver_front", plain, text)], {"seconds": seconds}


def genetic(table: _macro.Macro, seeds: int) -> tuple[list[Figure], dict[str, Any]]:
    """Hypervolume and share of the true front after so many evaluations, seeded and not.

    The seeds are what the integer programme makes of single swaps, whose 16 evaluations and the
    baseline's count.
    """
    space, baseline = table.space, table.space.baseline()
    error = table.points[table.rows(baseline[None]), 0]
    swaps = np.array([space.with_option(baseline, place) for place in range(len(space.options))])
    drop = table.points[table.rows(swaps), 0] - error
    start = front(space, loss=drop, latency=table.latency, diverse=2)
    swapped = int((drop != 0).sum()) + 1
    true = {row.tobytes() for row in table.choices[nondominated(table.points)]}
    corner = (WORST_ERROR, float(table.flops.max()))
    whole = hypervolume(table.points, corner)
    rows, reached = [], {}
    for name, given, spent in (("seeded", start, swapped), ("not seeded", [], 0)):
        for evaluations in EVALUATIONS:
            areas, shares = [], []
            for seed in range(seeds):
                found = refine(
                    space,
                    objectives=lambda choices: table.points[table.rows(choices)],
                    seeds=given,
                    evaluations=evaluations - spent,
                    random=np.random.default_rng(seed),
                )
                areas.append(hypervolume(table.points[table.rows(found)], corner) / whole)
                shares.append(len({c.tobytes() for c in found} & true) / len(true))
            reached[f"{name}/{evaluations}"] = {"hypervolume": areas, "share": shares}
            rows.append((name, f"{evaluations}", f"{np.mean(areas):.2%}", f"{np.mean(shares):.1%}"))
    show("NSGA-II", ("start", "evaluations", "hypervolume", "of the true front"), rows)
    figures = [
        _mean("solver_nsga2_area", reached["seeded/1000"]["hypervolume"], 2),
        _mean("solver_nsga2_share", reached["seeded/1000"]["share"], 1),
    ]
    return figures, {"reached": reached, "true_front": len(true), "seeds_given": len(start)}


def _mean(key: str, values: list[float], digits: int) -> Figure:
    low, high = min(values), max(values)
    text = (
        f"{np.mean(values):.{digits}%} ({low:.{digits}%} to {high:.{digits}%}, {len(values)} seeds)"
    )
    return Figure(key, float(np.mean(values)), text)


def main() -> int:
    """Run every part."""
    args = options(__doc__ or "").parse_args()
    table = _macro.load(_macro.folder())
    found = Outcome()
    found.part("brute force", partial(against_brute_force, table, 10 if args.quick else 200))
    found.part("dynamic programme", partial(against_programme, 10 if args.quick else 100))
    found.part("large front", partial(large_front, 1 if args.quick else 3))
    found.part("NSGA-II", partial(genetic, table, 2 if args.quick else 10))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
