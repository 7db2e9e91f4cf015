"""How far a measurement can be trusted: A/A comparisons, overhead, and OpenVINO's own tool.

1. 40 A/A comparisons: EfficientNet-Lite0 INT8 in OpenVINO against itself, loaded and compiled
   afresh on both sides. An honest 95 % interval contains 1 in about 38 of 40.
2. Overhead: bursts of the harness and of a bare loop alternate in one process.
3. Agreement: our p50 against `benchmark_app` on the same file, flags and cores, alternating.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from _common import Figure, Outcome, Said, finish, options, ratio, show
from _programs import Ready, photographs, ready

from paretune.core import Estimate, ParetuneError
from paretune.engine import LocalEngine
from paretune.measure import compare, pinned_cores, run_rounds
from paretune.measure.compare import STARTS
from paretune.measure.host import WARM_UP_SECONDS
from paretune.measure.statistics import Floats, ratio_from_groups, ratio_from_logs
from paretune.sources import load_model

MODEL = "efficientnet-lite0"
APP = "from openvino.tools.benchmark.main import main; main()"


def same_against_same(
    ready: Ready, comparisons: int, seconds: float, starts: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Coverage, error and width of so many A/A comparisons."""
    found: list[Estimate] = []
    noise = []
    for number in range(comparisons):
        compared = compare({"a": ready.open, "b": ready.open}, seconds=seconds, starts=starts)
        found.append(compared.ratio("a", "b"))
        noise.append(compared.noise)
        low, high = found[-1].ci95
        Said().step(f"A/A {number + 1}: {found[-1].value:.4f} ({low:.4f} to {high:.4f})")
    return aa_figures(found), {
        "seconds": seconds,
        "starts": starts,
        "ratios": [estimate.model_dump() for estimate in found],
        "noise": noise,
    }


def aa_figures(found: Sequence[Estimate]) -> list[Figure]:
    """Of the ratios of A/A comparisons."""
    covered = sum(not estimate.differs_from_one for estimate in found)
    error = float(np.median([abs(estimate.value - 1) for estimate in found]))
    half = float(np.median([(e.ci95[1] - e.ci95[0]) / 2 for e in found]))
    return [
        Figure("aa_covered", covered / len(found), f"{covered} of {len(found)}"),
        Figure("aa_error", error, f"{error:.2%}"),
        Figure("aa_half_width", half, f"{half:.2%}"),
    ]


def overhead(
    key: str, ready: Ready, seconds: float, starts: int, calls: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Microseconds a call of the harness over bare loops, starts being the units."""
    found: list[dict[str, Floats]] = []
    feeds = {name: np.array(array) for name, array in ready.arrays.feeds(0, 1).items()}
    cores = pinned_cores(ready.settings.threads)
    for _ in range(starts):
        with LocalEngine().actor(
            "_bare:BareHost", ready.program, ready.settings, cores, feeds
        ) as host:
            host.call("warm_up", WARM_UP_SECONDS)
            rounds = host.call("overhead", seconds / starts, calls)
            found.append({name: np.asarray(values) for name, values in rounds.items()})
    added = {
        f"{ours} - {theirs}": _difference([start[ours] - start[theirs] for start in found])
        for ours in ("wall", "reported")
        for theirs in ("bare", "barest")
    }
    # All that the harness does, against the barest loop there is.
    worst = added["wall - barest"]
    low, high = worst.ci95
    text = f"{worst.value:.1f} µs ({low:.1f} to {high:.1f})"
    medians = {n: float(np.median(np.concatenate([s[n] for s in found]))) for n in found[0]}
    show(key, ("loop", "microseconds a call"), [(n, f"{v:.1f}") for n, v in medians.items()])
    return [Figure(key, worst.value, text, worst.ci95)], {
        "microseconds_a_call": medians,
        "added": {name: estimate.model_dump() for name, estimate in added.items()},
        "rounds": [len(start["wall"]) for start in found],
    }


def _difference(groups: list[Floats]) -> Estimate:
    """Mean difference over starts with its interval: what is done to logs of ratios suits it."""
    found = ratio_from_groups([group / 1e3 for group in groups])  # milliseconds: exp stays small
    low, high = (1e3 * float(np.log(end)) for end in found.ci95)
    return Estimate(value=1e3 * float(np.log(found.value)), ci95=(low, high))


def tiny() -> Ready:
    """A model of one layer, which does next to nothing."""
    from torch import nn

    return ready(load_model(nn.Linear(16, 16), input_shape=(16,)), "f32")


def app_command(ready: Ready, seconds: float) -> list[str]:
    """`benchmark_app` on the same file with the same settings as ours."""
    shapes = ",".join(
        f"{spec.name}[{','.join(map(str, spec.concrete(1)))}]" for spec in ready.program.inputs
    )
    flags = {
        "-m": str(ready.program.folder / ready.program.files[0]),
        "-d": "CPU",
        "-hint": "none",
        "-nstreams": "1",
        "-nthreads": str(ready.settings.threads),
        "-pin": "YES",
        "-api": "sync",
        "-infer_precision": "f32",
        "-shape": shapes,
        "-t": str(max(1, round(seconds))),
    }
    return [sys.executable, "-c", APP, *(word for pair in flags.items() for word in pair)]


def app_p50(ready: Ready, seconds: float) -> float:
    """Median latency that `benchmark_app` prints, milliseconds (it prints two decimals)."""
    pin = partial(os.sched_setaffinity, 0, pinned_cores(ready.settings.threads))
    command = app_command(ready, seconds)
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=pin)
    match = re.search(r"Median:\s+([\d.]+) (ms|us)", done.stdout)
    if done.returncode or match is None:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise ParetuneError(f"benchmark_app ended with code {done.returncode}: {' '.join(said)}")
    return float(match[1]) / (1000 if match[2] == "us" else 1)


def our_p50(ready: Ready, seconds: float) -> float:
    """Our median of single calls in a fresh process, milliseconds."""
    with ready.open() as host:
        return run_rounds({"it": host}, seconds=seconds).latency("it").p50


def agreement(ready: Ready, repeats: int, seconds: float) -> tuple[list[Figure], dict[str, Any]]:
    """Ours over theirs, in alternating runs."""
    ours, theirs = [], []
    for number in range(repeats):
        first, second = (our_p50, app_p50) if number % 2 else (app_p50, our_p50)
        values = {first: first(ready, seconds), second: second(ready, seconds)}
        ours.append(values[our_p50])
        theirs.append(values[app_p50])
        Said().step(f"p50 ours {ours[-1]:.3f} ms, benchmark_app {theirs[-1]:.2f} ms")
    found = ratio_from_logs(np.log(ours) - np.log(theirs))
    # The file's place says nothing; the flags after it do.
    flags = app_command(ready, seconds)[5:]
    return [ratio("app", found)], {"ours_ms": ours, "benchmark_app_ms": theirs, "flags": flags}


def main() -> int:
    """Measure all three."""
    parser = options(__doc__ or "")
    parser.add_argument("--comparisons", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=6.0, help="timing time a comparison")
    parser.add_argument("--starts", type=int, default=STARTS, help="fresh starts a comparison")
    args = parser.parse_args()
    if args.quick:
        args.comparisons, args.seconds, args.starts = 2, 0.8, 2
    spend, starts = (1.0, 1) if args.quick else (24.0, 6)
    repeats, span = (2, 1.0) if args.quick else (12, 3.0)
    dataset = photographs()
    lite = ready(MODEL, "int8", dataset=dataset)
    found = Outcome(details={"inputs": "random" if dataset is None else dataset.samples.name})
    found.part("overhead", partial(overhead, "overhead", lite, spend, starts, calls=8))
    found.part(
        "overhead_tiny", partial(overhead, "overhead_tiny", tiny(), spend, starts, calls=1000)
    )
    found.part("benchmark_app", partial(agreement, lite, repeats, span))
    each = (args.comparisons, args.seconds, args.starts)
    found.part("same_against_same", partial(same_against_same, lite, *each))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
