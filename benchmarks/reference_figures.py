"""EfficientNet-Lite0, 224, batch 1: every runtime against PyTorch eager, and the whole trip.

1. `paretune.optimize` with a store of its own, so that nothing is remembered: what it chose over
   eager and over the best f32, and the drop on the holdout.
2. Top-1 of f32 and int8 on all 1000 photographs; int8 is calibrated on the train split, which is
   among them (the holdout of part 1 is not).
3. `paretune.bench`: each runtime and precision over eager f32, interleaved, in fresh starts.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import Figure, Outcome, Said, finish, options, ratio, show
from _gates import BY_KEY
from _programs import photographs, ready

import paretune
from paretune.core import ParetuneError, Precision
from paretune.data import Dataset
from paretune.measure import METRICS, score
from paretune.sources import load_model
from paretune.store import Store

MODEL = "efficientnet-lite0"
EAGER = "torch-eager/f32"


def every_runtime(
    dataset: Dataset, seconds: float, starts: int, runtimes: tuple[str, ...]
) -> tuple[list[Figure], dict[str, Any]]:
    """All that this CPU offers over eager; those asked for are figures, the rest is printed."""
    record = paretune.bench(
        MODEL,
        data=dataset,
        baseline=EAGER,
        seconds=seconds,
        starts=starts,
        runtimes=runtimes,
        progress=Said(),
    )
    variants = {variant.id: variant for variant in record.variants}
    rows, figures = [], []
    for found in record.ratios:
        variant = variants[found.id]
        figure = ratio(f"eager_over/{variant.runtime}/{variant.precision}", found.latency)
        latency = variant.latency_ms
        top1 = "" if variant.accuracy is None else f"{variant.accuracy.value:.2%}"
        p50 = "" if latency is None else f"{latency.p50:.2f}"
        rows.append((found.id, figure.text, p50, top1))
        if figure.key in BY_KEY:
            figures.append(figure)
    rows += [(v.id, v.status, v.reason, "") for v in record.variants if v.status != "ok"]
    show(f"over {record.baseline}", ("variant", "ratio", "p50 ms", "top-1 on search"), rows)
    return figures, record.model_dump(mode="json", by_alias=True, exclude={"target"})


def whole_set(dataset: Dataset) -> tuple[list[Figure], dict[str, Any]]:
    """Top-1 of OpenVINO's f32 and int8 on every photograph."""
    model = load_model(MODEL)
    rest = np.arange(0)
    # Calibrated as ever on the train split, judged on everything.
    everything = Dataset(
        dataset.samples,
        {
            "train": dataset.splits["train"],
            "search": np.arange(len(dataset.samples)),
            "holdout": rest,
        },
    )
    precisions: tuple[Precision, ...] = ("f32", "int8")
    outputs, labels = {}, None
    for precision in precisions:
        program = ready(model, precision, dataset=everything)
        with program.open() as host:
            outputs[precision] = host.call("evaluate", program.arrays)
        labels = program.arrays.labels()
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for precision, found in outputs.items():
        scored = score(METRICS["top1"], "search", found, labels, outputs["f32"], classifier=True)
        low, high = scored.ci95
        text = f"{scored.value:.2%} ({low:.1%} to {high:.1%})"
        figures.append(Figure(f"top1_{precision}", scored.value, text, scored.ci95))
        details[precision] = scored.model_dump(mode="json")
    return figures, details


def the_trip(
    dataset: Dataset, budget: str, runtimes: tuple[str, ...]
) -> tuple[list[Figure], dict[str, Any]]:
    """What `optimize` hands back when nothing is remembered: every figure is taken in this run."""
    with tempfile.TemporaryDirectory(prefix="paretune-reference-") as folder:
        url = f"sqlite:///{folder}/store.sqlite"
        with Store.open(url) as store:
            result = paretune.optimize(
                MODEL,
                dataset,
                out=Path(folder) / "run",
                budget=budget,
                runtimes=runtimes,
                store=store,
                progress=Said(),
            )
    best_f32 = result.ratios.latency_vs_best_f32
    if best_f32 is None:
        raise ParetuneError("the run compared the chosen variant with no f32 variant")
    print(f"chosen: {result.chosen}; baseline: {result.baseline}")
    drop = result.holdout.drop
    low, high = drop.ci95
    text = f"{100 * drop.value:+.2f} pt ({100 * low:+.2f} to {100 * high:+.2f})"
    figures = [
        ratio("chosen_vs_eager", result.ratios.latency_vs_baseline),
        ratio("chosen_vs_f32", best_f32),
        Figure("drop", drop.value, text, drop.ci95),
    ]
    return figures, result.model_dump(mode="json", by_alias=True, exclude={"target", "layers"})


def main() -> int:
    """Measure all three."""
    parser = options(__doc__ or "")
    parser.add_argument("--budget", default="30m", help="of the trip")
    parser.add_argument("--seconds", type=float, default=4.0, help="timing time a variant")
    parser.add_argument("--starts", type=int, default=4)
    args = parser.parse_args()
    runtimes: tuple[str, ...] = ()
    if args.quick:
        args.budget, args.seconds, args.starts = "5m", 0.5, 1
        runtimes = ("torch-eager", "openvino")
    dataset = photographs()
    if dataset is None:
        sys.exit("this benchmark needs the photographs: set PARETUNE_REFERENCE_DATA")
    found = Outcome()
    found.part("trip", partial(the_trip, dataset, args.budget, runtimes))
    found.part("whole_set", partial(whole_set, dataset))
    each = (args.seconds, args.starts, runtimes)
    found.part("every_runtime", partial(every_runtime, dataset, *each))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
