"""What a search costs until its networks cover as much of the plane as another's.

First on NAS-Bench-Macro, where the accuracy of every network is known from a full training and
multiply-adds stand for latency: how many trainings until the hypervolume reaches a level. Then on
a real task, from evaluations that a reference run recorded; without its file that part says so.

Counts of trainings are measured. Training FLOPs are computed from them: three times a forward
(the backward counts two, Kaplan et al. 2020, arXiv 2001.08361), two FLOPs a multiply-add, 50,000
images, and the 50 epochs that the table's own training takes by default.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import _macro
import numpy as np
from _common import ROOT, Figure, Outcome, Said, finish, options, show
from _curves import Cost, Curve, cost_ratio, curve
from _ours import Fitted, Ours
from _replayed import recorded
from _rivals import Make, rivals

from paretune.measure.statistics import bootstrap_ci
from paretune.search import Choice
from paretune.search.comparators import Evaluation, Strategy, Trial, run
from paretune.search.solve import hypervolume

EPOCHS, IMAGES = 50, 50_000
#: What counts: at least 80 % accuracy, no more multiply-adds than the largest network.
WORST_ERROR = 20.0
#: Shares of the hypervolume of all 6,561 networks.
LEVELS = (0.95, 0.97, 0.98, 0.99)
#: The level that the figures are of.
LEVEL = 0.98
ANCHORS = 16
#: Where a reference run leaves its evaluations.
RECORDED = ROOT / "benchmarks" / "recorded" / "search_cost.json"


class Table:
    """The oracle: accuracy from the table, multiply-adds (millions) as latency."""

    def __init__(self, table: _macro.Macro) -> None:
        self.table = table

    def evaluate(self, choice: Choice) -> Evaluation:
        """One network, trained in full."""
        row = self.table.row[choice.tobytes()]
        flops = float(self.table.flops[row])
        return Evaluation(float(self.table.accuracy[row]), flops, training_flops(flops))


def training_flops(millions: float) -> float:
    """FLOPs of one full training of a network of so many million multiply-adds."""
    return 3 * 2 * millions * 1e6 * IMAGES * EPOCHS


class _Enough:
    """Whether the networks so far cover an area."""

    def __init__(self, corner: tuple[float, float], area: float) -> None:
        self.corner, self.area = corner, area
        self.points: list[tuple[float, float]] = []

    def __call__(self, trial: Trial) -> bool:
        found = trial.evaluation
        self.points.append((100 * (1 - found.accuracy), found.latency_ms))
        return hypervolume(self.points, self.corner) >= self.area


def strategies(table: _macro.Macro) -> dict[str, Make]:
    """Each search with the settings that did best on this table."""
    space, target = table.space, 40.0
    corner = (WORST_ERROR, float(table.flops.max()))

    def ours(random: np.random.Generator) -> Strategy:
        from paretune.search.accuracy import anchors_design

        anchors = anchors_design(space, ANCHORS, random)
        latency = table.latency
        return Ours(
            space,
            latency=latency,
            anchors=anchors,
            fit=partial(Fitted, space, costs=latency),
            corner=corner,
            random=random,
        )

    return {"ours": ours, **rivals(space, target)}


def on_table(
    table: _macro.Macro, seeds: int, trainings: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Every search, to the last level or a budget in trainings of the baseline."""
    corner = (WORST_ERROR, float(table.flops.max()))
    whole = hypervolume(table.points, corner)
    baseline = training_flops(float(table.flops.max()))
    budget = trainings * baseline
    curves: dict[str, list[Curve]] = {}
    for name, make in strategies(table).items():
        for seed in range(seeds):
            Said().step(f"{name}, seed {seed}")
            trials = run(
                make(np.random.default_rng(seed)),
                Table(table),
                budget=budget,
                until=_Enough(corner, LEVELS[-1] * whole),
            )
            points = [(100 * (1 - t.evaluation.accuracy), t.evaluation.latency_ms) for t in trials]
            spent = np.array([trial.spent for trial in trials])
            curves.setdefault(name, []).append(curve(np.array(points), spent, corner, whole))
    return _figures(curves, budget, baseline), {
        "measured": {
            "level": list(LEVELS),
            "networks_trained": _costs(curves, budget, lambda cost: cost[1]),
            "reached": _costs(curves, budget, lambda cost: cost[2]),
        },
        "computed": {
            "training_flops": _costs(curves, budget, lambda cost: cost[0]),
            "full_training_equivalents": _costs(curves, budget, lambda cost: cost[0] / baseline),
            "flops_of_one_full_training": baseline,
        },
        # Every network of the table was trained in full, so none has to be finished.
        "finish_full_training_equivalents": 0.0,
        "hypervolume_of_all_networks": whole,
        "budget_in_full_trainings": trainings,
    }


def _costs(
    curves: dict[str, list[Curve]], budget: float, of: Callable[[Cost], Any]
) -> dict[str, list[list[Any]]]:
    """By search: a row a level, a column a seed."""
    return {
        name: [[of(one.cost(level, budget)) for one in found] for level in LEVELS]
        for name, found in curves.items()
    }


def _figures(curves: dict[str, list[Curve]], budget: float, baseline: float) -> list[Figure]:
    rows = []
    for level in LEVELS:
        cells = [f"{level:.0%}"]
        for found in curves.values():
            costs = [one.cost(level, budget) for one in found]
            short = sum(not reached for *_, reached in costs)
            trained, spent = (np.median([cost[place] for cost in costs]) for place in (1, 0))
            cells.append(
                f"{trained:.0f} ({spent / baseline:.0f})" + (f", {short} short" if short else "")
            )
        rows.append(tuple(cells))
    show(
        "networks trained (full-training equivalents) to a share of all hypervolume, medians",
        ("share", *curves),
        rows,
    )
    spent = {n: [one.cost(LEVEL, budget) for one in found] for n, found in curves.items()}
    flops = np.array([cost[0] for cost in spent["ours"]])
    low, high = bootstrap_ci(flops / baseline, lambda rows: np.median(rows, axis=-1))
    trained = np.median([cost[1] for cost in spent["ours"]])
    value = float(np.median(flops) / baseline)
    text = f"{value:.1f} ({low:.1f} to {high:.1f}); {trained:.0f} networks"
    figures = [Figure("search_cost/ours", value, text, (low, high))]
    for name in ("random", "evolution", "reinforce"):
        figures.append(cost_ratio(f"search_cost/{name}_over_ours", spent[name], spent["ours"]))
    for name in ("evolution", "reinforce"):
        figures.append(cost_ratio(f"search_cost/random_over_{name}", spent["random"], spent[name]))
    return figures


def main() -> int:
    """Both parts."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=200, help="of the baseline, a search")
    parser.add_argument(
        "--recorded", type=Path, default=RECORDED, help="evaluations of a real task"
    )
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.trainings = 2, 60
    found = Outcome()
    table = _macro.load(_macro.folder())
    found.part("NAS-Bench-Macro", partial(on_table, table, args.seeds, args.trainings))
    if args.recorded.is_file():
        found.part("recorded", partial(recorded, args.recorded))
    else:
        Said().note(f"a real task was not measured: {args.recorded.name} is not there")
        found.details["recorded"] = "not measured"
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
