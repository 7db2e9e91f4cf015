"""Let four searches loose on a reference task, for `search_cost.py` to compare.

Ours, random search, regularised evolution and the REINFORCE controller choose from one space, with
one library of trained replacements. To evaluate an architecture is to distil it for a few epochs,
quantise it to int8, score it on the search split and time it against the baseline; what one search
evaluated, another is told without training it again, and pays for all the same. In the end each
search's best is trained on. A killed run goes on where it was.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import ROOT, TRIALS, options
from _ours import Fitted, Ours
from _prepared import Ready, ready
from _rivals import Make, rivals
from _tasks import TASKS
from numpy.typing import NDArray

from paretune.core import ParetuneError
from paretune.search import Choice
from paretune.search.comparators import Evaluation, Strategy, Trial, run
from paretune.search.finish import distil
from paretune.search.ledger import Ledger
from paretune.search.solve import front
from paretune.store import paths

Floats = NDArray[np.float64]

FILE = ROOT / "benchmarks" / "recorded" / "search_cost.json"
#: What counts: points of accuracy lost at most.
WORST = 10.0
#: A search's best is the fastest that lost no more points than this.
ALLOWED = 0.5
#: Seconds of the search whose library all choose from: enough that none can try everything.
SEARCH, QUICK_SEARCH = 1200.0, 240.0
#: Architectures that ours begins with, and evaluates between two fits.
BEGIN, BATCH = 6, 3


class Trained:
    """The oracle that all searches share; what it found out it keeps in a file.

    Args:
        found: the task, its library, its target.
        epochs: that an architecture is distilled for.
        file: where evaluations are kept.
    """

    def __init__(self, found: Ready, epochs: float, file: Path) -> None:
        self._found, self._epochs, self._file = found, epochs, file
        self._known: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}

    def evaluate(self, choice: Choice) -> Evaluation:
        """Train shortly, score, time; or remember."""
        name = f"{self._found.prepared.space.name(choice)} {self._epochs}"
        if name not in self._known:
            self._known[name] = asdict(self._new(choice))
            paths.write_text_atomic(self._file, json.dumps(self._known, indent=1))
        return Evaluation(**self._known[name])

    def _new(self, choice: Choice) -> Evaluation:
        ground, spent = self._found.ground, Ledger()
        ground.progress.step(self._found.prepared.space.name(choice)[:90])
        done = distil(
            self._found.prepared.network(choice),
            ground.model.module,
            ground.train,
            epochs=self._epochs,
            ledger=spent,
        )
        # One that diverged is as good as chance: the searches learn to stay away.
        accuracy = 0.0 if done.reason else ground.judge(done.module)
        speed = self._found.oracle.measure(choice).speed
        latency = self._found.timed.baseline_ms / speed
        return Evaluation(accuracy, latency, spent.summary().training_flops)


def strategies(found: Ready) -> dict[str, Make]:
    """Each search, aiming at twice the baseline's speed.

    With a tenth of the evaluations that NAS-Bench-Macro allows, evolution does better with fewer
    alive and the controller with a higher rate.
    """
    known, base = found.prepared, found.timed.baseline_ms
    space = known.space
    spans = np.array([option.span for option in space.options], dtype=float)
    # The intercept spread over the blocks, so that a network's latency is the sum of its options'.
    latency = base * (known.latency.weights + known.latency.intercept * spans / space.blocks)

    def ours(random: np.random.Generator) -> Strategy:
        rows = np.stack(front(space, loss=known.surrogate.linear(), latency=latency, diverse=2))
        slices = np.array_split(rows[np.argsort(rows @ latency)], BEGIN)
        return Ours(
            space,
            latency=latency,
            anchors=np.array([random.choice(part) for part in slices]),
            fit=partial(
                Fitted, space, costs=known.macs, swap_one=known.swap, untrained=known.untrained
            ),
            corner=corner(found),
            random=random,
            batch=BATCH,
        )

    return {"ours": ours, **rivals(space, base / 2, population=10, sample=5, rate=0.3)}


def corner(found: Ready) -> tuple[float, float]:
    """Worst error in points and worst latency in ms that count."""
    return 100 * (1 - found.ground.own.value) + WORST, found.timed.baseline_ms


def after(networks: int) -> Callable[[Trial], bool]:
    """Ends a search when it has paid for so many."""
    asked = itertools.count(1)
    return lambda _: next(asked) >= networks


def best(trials: tuple[Trial, ...], own: float) -> Trial:
    """The fastest that lost little, or what lost least."""
    least = min(own - ALLOWED / 100, max(t.evaluation.accuracy for t in trials))
    able = [t for t in trials if t.evaluation.accuracy >= least]
    return min(able, key=lambda t: t.evaluation.latency_ms)


def record(
    task: str, seconds: float, seeds: int, networks: int, epochs: float, finish: float
) -> dict[str, Any]:
    """The whole record, in the form that `search_cost.recorded` reads."""
    with ready("search-cost", task, seconds) as found:
        ground, own = found.ground, found.ground.own.value
        oracle, longer = (
            Trained(found, length, ground.checkpoints / f"evaluations-{name}.json")
            for name, length in (("short", epochs), ("finish", finish))
        )
        library = ground.ledger.summary().training_flops
        searches: dict[str, list[list[dict[str, float]]]] = {}
        finished: dict[str, list[dict[str, float]]] = {}
        for name, make in strategies(found).items():
            for seed in range(seeds):
                ground.progress.stage(f"{name}, seed {seed}", networks)
                trials = run(
                    make(np.random.default_rng(seed)),
                    oracle,
                    budget=float("inf"),
                    until=after(networks),
                )
                searches.setdefault(name, []).append([_entry(t.evaluation) for t in trials])
                ended = longer.evaluate(best(trials, own).choice)
                finished.setdefault(name, []).append(_entry(ended))
        unit = Ledger()
        example = ground.train.tensors(slice(1))
        unit.baseline(
            ground.model.module, example, samples=ground.train.n, epochs=TASKS[task].epochs
        )
        return {
            "task": task,
            "architectures": float(found.prepared.space.count()),
            "baseline": {"accuracy": own, "latency_ms": found.timed.baseline_ms},
            "epochs": {"evaluation": epochs, "finish": finish},
            "full_training_flops": unit.summary().full_training_flops,
            "corner": corner(found),
            "library_flops": dict.fromkeys(searches, library),
            "finish_flops": {
                name: float(np.median([one["flops"] for one in ends]))
                for name, ends in finished.items()
            },
            "searches": searches,
            "finished": finished,
        }


def _entry(found: Evaluation) -> dict[str, float]:
    return {"accuracy": found.accuracy, "latency_ms": found.latency_ms, "flops": found.cost}


def main() -> int:
    """Record, and write the file."""
    parser = options(__doc__ or "")
    parser.add_argument("--task", choices=tuple(TASKS), default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", type=int, default=24, help="that each search evaluates")
    parser.add_argument("--epochs", type=float, default=4.0, help="of training to evaluate one")
    parser.add_argument("--finish", type=float, default=20.0, help="epochs that the best gets")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.networks, args.epochs, args.finish = 1, 8, 1.0, 2.0
    try:
        seconds = QUICK_SEARCH if args.quick else SEARCH
        found = record(args.task, seconds, args.seeds, args.networks, args.epochs, args.finish)
    except ParetuneError as error:
        print(error, file=sys.stderr)
        return 1
    file = args.json or (TRIALS / FILE.name if args.quick else FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text_atomic(file, json.dumps(found, indent=1))
    print(f"{len(found['searches'])} searches of {args.seeds} seeds in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
