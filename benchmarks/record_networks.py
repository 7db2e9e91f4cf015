"""Train, quantise and time networks of the C10 task, for judging the accuracy surrogate.

The search's own steps up to its surrogate come first. Then a design of networks to learn from and
random ones to be judged on are distilled alike, each for the same time, quantised to int8 and
scored on the search split. A killed run goes on where it was. `accuracy_surrogate.py` reads what
this writes.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import _cifar
import numpy as np
import train_baselines
from _common import ROOT, Said, options
from _recorded import Networks, Recorded

from paretune import runtimes
from paretune.core import Estimate, Model, ParetuneError
from paretune.data import ArrayFolder
from paretune.engine import LocalEngine, machine
from paretune.runtimes.base import Settings
from paretune.search import Choice, Ground, propose
from paretune.search.accuracy import anchors_design
from paretune.search.finish import halve
from paretune.search.journal import Journal
from paretune.search.latency import LatencyOracle
from paretune.search.ledger import Ledger
from paretune.search.prepare import Prepared, prepare, time_space
from paretune.sources import digest_of_module
from paretune.store import Store, paths

FILE = ROOT / "benchmarks" / "recorded" / "accuracy_surrogate.json"
#: Seconds of the search whose first steps are taken.
SEARCH = 3000.0
CALIBRATION, AT_ONCE = 300, 250


class Int8:
    """Accuracy of modules on the search split, in OpenVINO and int8."""

    def __init__(self, model: Model, train: ArrayFolder, search: ArrayFolder) -> None:
        self._model, self._train, self._search = model, train, search
        self._runtime = runtimes.get("openvino")

    def __call__(self, module: Any) -> float:
        """The accuracy, a fraction."""
        rows = np.arange(CALIBRATION) * self._train.n // CALIBRATION
        calibration = [self._train.feeds(int(row), int(row) + 1) for row in rows]
        digest = digest_of_module(module, self._model.inputs, "recorded")
        model = replace(self._model, module=module, digest=digest)
        with tempfile.TemporaryDirectory() as folder:
            program = self._runtime.prepare(model, "int8", Path(folder), calibration=calibration)
            session = self._runtime.load(program, Settings(batch=AT_ONCE))
            right = 0
            for start in range(0, self._search.n, AT_ONCE):
                end = min(start + AT_ONCE, self._search.n)
                scores = session.run(dict(self._search.feeds(start, end)))[0]
                right += int((scores.argmax(1) == self._search.labels()[start:end]).sum())
        return right / self._search.n


def chosen(ready: Prepared, anchors: int, held_out: int) -> tuple[Choice, Choice]:
    """Networks to learn from, by design, and others at random, to be judged on; bool (n, k)."""
    random = np.random.default_rng(1)
    # Networks that fall apart cannot be chosen by any search: those that lose less are drawn more.
    middle = float(np.median(ready.swap[ready.swap > 0]))
    weights = np.maximum(np.exp(-ready.swap / middle), 1e-3)
    learnt = anchors_design(ready.space, anchors, random, weights=weights)
    drawn = np.unique(ready.space.sample(random, 4 * held_out, weights), axis=0)
    known = {row.tobytes() for row in learnt}
    fresh = [row for row in random.permutation(drawn) if row.tobytes() not in known]
    return learnt, np.array(fresh[:held_out])


def record(anchors: int, held_out: int, seconds: float, checkpoints: Path) -> Recorded:
    """The whole record; `seconds` of training a network."""
    task = _cifar.task(56, train_baselines.resnet(56))
    model, told = task.model, Said()
    target = machine.detect()
    int8 = Int8(model, task.train, task.search)
    own = int8(model.module)
    with Store.open() as store:
        ground = Ground(
            model=model,
            train=task.train,
            search=task.search,
            judge=int8,
            own=Estimate(value=own, ci95=(own, own)),
            least=-np.inf,
            most_ms=np.inf,
            target=target,
            engine=LocalEngine(),
            store=store,
            checkpoints=checkpoints,
            seed=0,
            ledger=Ledger(),
            progress=told,
        )
        journal = Journal(checkpoints)
        proposals = propose(model, task.train)
        with LatencyOracle(
            model, proposals.blocks, proposals.space, task.search,
            target=target, engine=ground.engine, store=store,
        ) as oracle:  # fmt: skip
            timed = time_space(ground, proposals, oracle, journal, SEARCH)
            ready = prepare(ground, proposals, timed, journal, SEARCH)
            oracle.space = ready.space
            learnt, fresh = chosen(ready, anchors, held_out)
            rows = {f"n{i}": row for i, row in enumerate((*learnt, *fresh))}
            told.stage("time networks", len(rows))
            speeds = {name: oracle.measure(row).speed for name, row in rows.items()}
    done = halve(
        {name: ready.network(row) for name, row in rows.items()},
        model.module,
        task.train,
        score=int8,
        seconds=seconds * len(rows),
        keep=len(rows),
        rungs=1,
        checkpoints=checkpoints,
        progress=told,
    )
    lost = {s.name: 100 * (own - s.scores[-1]) for s in done.ranking if s.scores}

    def networks(names: list[str]) -> Networks:
        ids = tuple(tuple(o.id for o in ready.space.chosen(rows[name])) for name in names)
        return Networks(choices=ids, values=tuple(lost[name] for name in names))

    names = [name for name in rows if name in lost]
    judged = [name for name in names if int(name[1:]) >= len(learnt)]
    choices, divergence = ready.untrained
    return Recorded(
        task="C10",
        space=ready.space,
        swap_one=tuple(ready.swap),
        flops=tuple(ready.macs),
        untrained=Networks(
            choices=tuple(tuple(o.id for o in ready.space.chosen(row)) for row in choices),
            values=tuple(divergence),
        ),
        anchors=networks([name for name in names if name not in judged]),
        held_out=networks(judged),
        latency_ms=tuple(timed.baseline_ms / speeds[name] for name in judged),
    )


def main() -> int:
    """Record, and write the file."""
    parser = options(__doc__ or "")
    parser.add_argument("--anchors", type=int, default=16)
    parser.add_argument("--held-out", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=45.0, help="of training a network")
    args = parser.parse_args()
    checkpoints = paths.home() / "benchmarks" / "recorded-networks"
    try:
        found = record(args.anchors, args.held_out, args.seconds, checkpoints)
    except ParetuneError as error:
        print(error, file=sys.stderr)
        return 1
    FILE.parent.mkdir(exist_ok=True)
    paths.write_text_atomic(FILE, found.model_dump_json(indent=1))
    print(f"{len(found.anchors.choices)} and {len(found.held_out.choices)} networks in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
