"""The evidence for bursts of 10 ms: how well an A/A ratio is known after bursts of other lengths.

The same program is loaded twice and compared with itself in interleaved rounds, in slices of equal
time whose bursts last 6, 12, 25, 50 or 100 ms, one slice of each after the other, over several
fresh starts. The standard error comes from how much slices of one length differ within a start, so
it assumes nothing about rounds inside a slice being independent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from _common import Figure, Outcome, Said, finish, options, show
from _programs import Ready, photographs, ready

from paretune.engine import Actor
from paretune.measure import LATENCY, run_rounds
from paretune.measure.statistics import interquartile_mean

MODEL = "efficientnet-lite0"
LENGTHS_MS = (6, 12, 25, 50, 100)


def one_start(
    ready: Ready, lengths: Sequence[int], slices: int, seconds: float
) -> dict[int, list[float]]:
    """Log A/A ratio of every slice by length of its bursts, both sides freshly loaded."""
    found: dict[int, list[float]] = {length: [] for length in lengths}
    with ExitStack() as stack:
        pair = {name: stack.enter_context(ready.open()) for name in ("a", "b")}
        for number in range(slices):
            # Forwards, then backwards, so that a drift falls on all lengths alike.
            for length in lengths if number % 2 == 0 else reversed(lengths):
                found[length].append(one_slice(pair, length, seconds))
    return found


def one_slice(pair: dict[str, Actor], length: int, seconds: float) -> float:
    """Log of the A/A ratio after `seconds` of bursts of `length` milliseconds."""
    probe = LATENCY._replace(burst=length / 1e3)
    rounds = run_rounds(pair, seconds=seconds, probe=probe, min_rounds=1)
    return float(interquartile_mean(np.asarray(rounds.logs["a"]) - np.asarray(rounds.logs["b"])))


def standard_error(starts: Sequence[Sequence[float]]) -> float:
    """Of the mean of all slices; what a start is off by as a whole does not count.

    Args:
        starts: per start, the log ratio of each slice (at least 2).
    """
    values = np.asarray(starts)
    within = values.var(axis=1, ddof=1).mean()
    return float(np.sqrt(within / values.size))


def every_length(
    ready: Ready, starts: int, slices: int, seconds: float
) -> tuple[list[Figure], dict[str, Any]]:
    """The standard error of each length in equal time."""
    every: dict[int, list[list[float]]] = {length: [] for length in LENGTHS_MS}
    for number in range(starts):
        Said().step(f"start {number + 1} of {starts}")
        for length, values in one_start(ready, LENGTHS_MS, slices, seconds).items():
            every[length].append(values)
    errors = {length: standard_error(values) for length, values in every.items()}
    best = min(errors.values())
    show(
        "A/A, equal time for each length",
        ("burst", "standard error", "of the best"),
        [(f"{n} ms", f"{error:.3%}", f"{error / best:.2f}x") for n, error in errors.items()],
    )
    text = " / ".join(f"{error:.3%}" for error in errors.values())
    lengths = " / ".join(map(str, LENGTHS_MS))
    return [Figure("burst", best, f"{text} at {lengths} ms")], {
        "seconds_a_length": starts * slices * seconds,
        "standard_error": {str(length): error for length, error in errors.items()},
        "log_ratios": {str(length): values for length, values in every.items()},
    }


def main() -> int:
    """Measure every length."""
    parser = options(__doc__ or "")
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--slices", type=int, default=12, help="of each length, a start")
    parser.add_argument("--seconds", type=float, default=2.0, help="a slice")
    args = parser.parse_args()
    if args.quick:
        args.starts, args.slices, args.seconds = 1, 2, 0.5
    dataset = photographs()
    lite = ready(MODEL, "int8", dataset=dataset)
    found = Outcome(details={"inputs": "random" if dataset is None else dataset.samples.name})
    each = (args.starts, args.slices, args.seconds)
    found.part("lengths", partial(every_length, lite, *each))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
