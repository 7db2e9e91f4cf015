"""The search on the reference tasks: int8 against int8, beside the baseline trained on as long.

For every seed one whole `optimize --effort search` that remembers nothing of the search; the
control is the baseline itself, distilled from itself by the same recipe for as long as the chosen
network was, and quantised the same way. Both artifacts are timed in interleaved rounds, the control
also with the settings of ours, and their accuracy is compared on the holdout, sample by sample.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import Figure, Outcome, Said, finish, options, ratio, show
from _programs import Ready
from _tasks import TASKS, Task, importable
from numpy.typing import NDArray

import paretune
from paretune.artifact.manifest import read
from paretune.core import Estimate, Model, ParetuneError, Result
from paretune.data import ArrayFolder, Dataset, materialise
from paretune.measure import compare
from paretune.measure.statistics import paired_drop
from paretune.sources import digest_of_module
from paretune.store import Store, paths

QUICK_BUDGET = "4m"
#: Quantising and timing the control; a slow CPU takes minutes to score the model as it came.
CONTROL_BUDGET = "30m"
#: The control is trained as long where the search trained nothing.
FEWEST_SECONDS = 10.0
#: Timing time of our artifact against the control's.
COMPARE_SECONDS = 20.0


def answers(artifact: Path, arrays: ArrayFolder) -> NDArray[np.int64]:
    """Classes that an artifact gives for all samples, (n,)."""
    found = []
    with paretune.load(artifact) as predictor:
        for feeds in arrays.batches(256):
            found.append(predictor.run({k: np.array(v) for k, v in feeds.items()})[0].argmax(1))
    return np.concatenate(found)


def faster(ours: Path, theirs: Path, arrays: ArrayFolder) -> Estimate:
    """How many times as fast an artifact is, run as it was chosen to be, as another at its best.

    A disturbed machine may have given the other one a thread too few when it raced, so that it is
    timed with our settings, too, and its faster way counts.
    """
    mine, other = read(ours), read(theirs)
    ready = {"ours": Ready(mine.program(ours), mine.settings, arrays)}
    for settings in dict.fromkeys((other.settings, mine.settings)):
        ready[f"theirs, {settings}"] = Ready(other.program(theirs), settings, arrays)
    openers = {name: one.open for name, one in ready.items()}
    timed = compare(openers, seconds=COMPARE_SECONDS, progress=Said())
    return min(
        (timed.ratio(name, "ours") for name in ready if name != "ours"),
        key=lambda estimate: estimate.value,
    )


def control(model: Model, data: Dataset, seconds: float, seed: int, folder: Path) -> Path:
    """The baseline's own architecture, trained as a finalist and quantised; its artifact."""
    from paretune.search.finish import distil

    student = copy.deepcopy(model.module)
    train = materialise(data, "train", model, paths.arrays())
    done = distil(student, model.module, train, seconds=seconds, seed=seed)
    if done.reason:
        raise ParetuneError(f"the control diverged: {done.reason}")
    own = replace(
        model,
        name=f"{model.architecture}+control",
        module=done.module,
        digest=digest_of_module(done.module, model.inputs, f"control {seed}"),
    )
    paretune.optimize(
        own,
        data,
        out=folder,
        runtimes=("openvino",),
        precisions=("int8",),
        constraints=("accuracy >= baseline - 5 pt",),
        budget=CONTROL_BUDGET,
        seed=seed,
        progress=Said(),
    )
    artifact = folder / "artifact"
    if (precision := read(artifact).precision) != "int8":
        raise ParetuneError(f"the control came back in {precision}, to be compared in int8")
    return artifact


def one(name: str, task: Task, budget: str, seed: int) -> tuple[list[Figure], dict[str, Any]]:
    """One seed of one task."""
    model, data = task.load(), task.data()
    with tempfile.TemporaryDirectory(prefix="paretune-search-") as place:
        folder = Path(place)
        with Store.open(f"sqlite:///{folder}/store.sqlite") as store:
            result = paretune.optimize(
                model, data, out=folder / "run", effort="search", budget=budget, seed=seed,
                constraints=task.constraints, store=store, progress=Said(),
            )  # fmt: skip
        spent = _training(result)
        against = control(model, data, spent, seed, folder / "control")
        arrays = materialise(data, "holdout", model, paths.arrays())
        labels, found = arrays.labels(), folder / "run" / "artifact"
        ours, theirs = (
            (answers(artifact, arrays) == labels).astype(float) for artifact in (found, against)
        )
        int8 = faster(found, against, arrays)
    drop = paired_drop(theirs, ours, seed=seed)
    gain = result.ratios.latency_vs_best_compiled_baseline
    _print(name, seed, result, drop)
    label = name if budget == task.budget else f"{name}@{budget}"
    lossless = fastest_without_loss(result)
    figures = [
        _told(ratio(f"search_int8/{label}", int8), result),
        ratio(f"search_speed/{label}", gain),
        _points(f"search_drop/{label}", drop),
        _points(f"search_drop_baseline/{label}", result.holdout.drop),
        Figure(f"search_lossless/{label}", lossless, f"{lossless:.2f}x"),
    ]
    record = result.model_dump(mode="json", by_alias=True, exclude={"model", "target", "layers"})
    return figures, {"seed": seed, "control_seconds": spent, "result": record}


def _training(result: Result) -> float:
    """Seconds that the chosen network was trained whole, or the longest where none was chosen."""
    points = () if result.search is None else result.search.points
    chosen = result.variant(result.chosen).architecture
    own = [p.trained_s for p in points if p.architecture == chosen]
    return max(own or [p.trained_s for p in points], default=FEWEST_SECONDS)


def fastest_without_loss(result: Result) -> float:
    """Speed over the best compiled baseline of the fastest variant that lost nothing on `search`.

    1 where that is the best compiled baseline.
    """
    best = result.variant(result.best_compiled_baseline)
    assert best.latency_ms is not None
    times = [
        v.latency_ms.p50
        for v in result.variants
        if v.latency_ms is not None
        and v.accuracy is not None
        and v.accuracy.drop is not None
        and v.accuracy.drop.value <= 0
    ]
    return max(1.0, best.latency_ms.p50 / min(times, default=best.latency_ms.p50))


def _told(figure: Figure, result: Result) -> Figure:
    """The figure, which says so where what is handed back is in no int8."""
    precision = result.variant(result.chosen).precision
    if precision == "int8":
        return figure
    return replace(figure, text=f"{figure.text}, ours in {precision}")


def _points(key: str, drop: Estimate) -> Figure:
    low, high = drop.ci95
    text = f"{100 * drop.value:+.2f} pt ({100 * low:+.2f} to {100 * high:+.2f})"
    return Figure(key, drop.value, text, drop.ci95)


def _print(name: str, seed: int, result: Result, drop: Estimate) -> None:
    points = () if result.search is None else result.search.points
    show(
        f"{name}, seed {seed}: {result.chosen}",
        ("architecture", "predicted", "measured", "scores in training"),
        [
            (
                p.architecture,
                f"{p.predicted_speed:.2f}x",
                "" if p.measured_speed is None else f"{p.measured_speed:.2f}x",
                " ".join(f"{score:.2%}" for score in p.scores),
            )
            for p in points
        ],
    )
    print(f"drop against the control: {100 * drop.value:+.2f} pt")


def main() -> int:
    """One seed of the tasks that are named."""
    parser = options(__doc__ or "")
    parser.add_argument("--task", choices=tuple(TASKS), help="one of them; all by default")
    parser.add_argument("--budget", help="of the whole trip")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    importable()
    found = Outcome()
    for name in (args.task,) if args.task else TASKS:
        task = TASKS[name]
        budget = args.budget or (QUICK_BUDGET if args.quick else task.budget)
        found.part(name, partial(one, name, task, budget, args.seed))
    words = (args.task or "all", args.budget, f"seed_{args.seed}")
    suffix = "".join(f"_{word}" for word in words if word)
    return finish(__file__, args, found, suffix=suffix)


if __name__ == "__main__":
    sys.exit(main())
