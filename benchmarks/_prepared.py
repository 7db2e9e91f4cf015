"""The search's own steps up to its surrogate on a reference task, opened for a while."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Said
from _tasks import TASKS, importable
from numpy.typing import NDArray

from paretune import runtimes
from paretune.core import Estimate, Model
from paretune.data import ArrayFolder, materialise
from paretune.engine import LocalEngine, machine
from paretune.pipeline import seconds as seconds_of
from paretune.runtimes.base import Settings
from paretune.search import Ground, propose
from paretune.search.journal import Journal
from paretune.search.latency import LatencyOracle
from paretune.search.ledger import Ledger
from paretune.search.prepare import Prepared, Timed, oracle_of, prepare, time_space
from paretune.sources import digest_of_module
from paretune.store import Store, paths

Feeds = dict[str, NDArray[Any]]
#: Share of a task's budget that is the search's.
SEARCH = 0.8
CALIBRATION, AT_ONCE = 300, 250


@dataclass(frozen=True)
class Ready:
    """The task with everything that architectures are chosen by.

    Attributes:
        ground: model, data, machine; its judge scores modules in int8.
        timed, prepared: what is known of latency and accuracy.
        oracle: measures networks of `prepared.space`.
    """

    ground: Ground
    timed: Timed
    prepared: Prepared
    oracle: LatencyOracle


@contextmanager
def ready(
    name: str, task: str = "c10", seconds: float | None = None, threads: int | None = None
) -> Iterator[Ready]:
    """Blocks, latency model, library, surrogate; what is done already is found again.

    Args:
        name: of the folder of its checkpoints.
        task: of `_tasks.TASKS`.
        seconds: of the search whose first steps are taken; by default the task's.
        threads: that networks are timed on; all by default.
    """
    importable()
    model, data = TASKS[task].load(), TASKS[task].data()
    train, search = (materialise(data, s, model, paths.arrays()) for s in ("train", "search"))
    int8 = Int8(model, train, search)
    own = int8(model.module)
    seconds = seconds or SEARCH * seconds_of(TASKS[task].budget)
    threads = threads or machine.detect().usable_cores
    own_name = f"{name}-{task}-{seconds:g}-s-{threads}-threads"
    checkpoints = paths.home() / "benchmarks" / own_name
    checkpoints.mkdir(parents=True, exist_ok=True)
    with Store.open() as store:
        ground = Ground(
            model=model,
            train=train,
            search=search,
            judge=int8,
            own=Estimate(value=own, ci95=(own, own)),
            least=-np.inf,
            most_ms=np.inf,
            least_speed=0.0,
            target=machine.detect(),
            engine=LocalEngine(),
            store=store,
            checkpoints=checkpoints,
            settings=Settings(threads=threads),
            seed=0,
            # What an earlier run spent on what is found again counts, too.
            ledger=Ledger(checkpoints / "ledger.json"),
            progress=Said(),
        )
        journal = Journal(ground.checkpoints)
        proposals = propose(model, train)
        with oracle_of(ground, proposals) as oracle:
            timed = time_space(ground, proposals, oracle, journal, seconds)
            prepared = prepare(ground, proposals, timed, journal, seconds)
            oracle.space = prepared.space
            yield Ready(ground, timed, prepared, oracle)


def accuracy(module: Any, arrays: ArrayFolder) -> float:
    """Of a module in PyTorch and f32, where it lies, a fraction."""
    device = next(module.parameters()).device

    def scores(feeds: Feeds) -> NDArray[np.float32]:
        inputs = (torch.from_numpy(np.array(x)).to(device) for x in feeds.values())
        with torch.inference_mode():
            made: torch.Tensor = module(*inputs)
        return made.cpu().numpy()

    return _right(arrays, scores)


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
            session = self._runtime.load(program, Settings(batch=_at_once(self._search)))
            return _right(self._search, lambda feeds: session.run(feeds)[0])


def _right(arrays: ArrayFolder, scores: Callable[[Feeds], NDArray[np.float32]]) -> float:
    """Share of samples whose label has the highest score."""
    found = [scores(dict(feeds)).argmax(1) for feeds in arrays.batches(_at_once(arrays))]
    return float((np.concatenate(found) == arrays.labels()).mean())


def _at_once(arrays: ArrayFolder) -> int:
    """Samples a call, so that every call has equally many."""
    return max(size for size in range(1, AT_ONCE + 1) if arrays.n % size == 0)
