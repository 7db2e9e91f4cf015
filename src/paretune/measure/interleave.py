"""Interleaved rounds: the only way two timings are ever compared here.

Machines drift, by neighbours, heat and frequency, over seconds. In a round every subject is timed
once forwards and once backwards (A B C, C B A), so a linear drift cancels and a step hits one
round only; the round's log ratios are one observation. Rounds are short (tens of milliseconds a
subject), so many fit, and the robust mean over rounds ignores the few that a neighbour spoiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretune.core import Ci95, Estimate, Latency
from paretune.engine import Actor
from paretune.measure.statistics import bootstrap_ci, ratio_from_logs

MIN_ROUNDS = 8


class Reading(NamedTuple):
    """One burst: natural log of seconds per sample, and nanoseconds of each timed call."""

    log: float
    calls: NDArray[np.int64]


class Probe(NamedTuple):
    """How one burst is read off a subject, and how many seconds it lasts."""

    read: Callable[[Actor, float], Reading]
    burst: float


def _read_latency(subject: Actor, seconds: float) -> Reading:
    """Calls one after another on one stream: the median time of a call over its samples."""
    times = subject.call("burst", seconds)
    return Reading(float(np.log(np.median(times) / 1e9 / subject.call("batch"))), times)


def _read_throughput(subject: Actor, seconds: float) -> Reading:
    """All streams busy at once: seconds per sample, the inverse of throughput."""
    samples, window, times = subject.call("concurrent", seconds)
    return Reading(float(np.log(window / samples)), times)


#: Noise of a shared machine lives at tens of milliseconds: bursts below that see all subjects
#: through the same weather (benchmarks/burst_length.py measures it).
LATENCY = Probe(_read_latency, burst=0.01)
#: Several streams need longer to fill.
THROUGHPUT = Probe(_read_throughput, burst=0.2)


@dataclass
class Rounds:
    """What interleaved rounds found, by subject.

    Attributes:
        logs: natural log of seconds per sample, one entry per round (mean of the two bursts).
        disagreement: |log| between a subject's two bursts of one round: the machine's noise.
        calls: nanoseconds of every timed call, a list of bursts.
    """

    logs: dict[str, list[float]] = field(default_factory=dict)
    disagreement: list[float] = field(default_factory=list)
    calls: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)

    def ratio(self, reference: str, subject: str) -> Estimate:
        """Time of `reference` over time of `subject`, over the rounds both took part in."""
        # A subject that joined late shares only the last rounds; one that left only the first.
        count = min(len(self.logs[reference]), len(self.logs[subject]))
        ours = np.asarray(self.logs[subject][:count])
        return ratio_from_logs(np.asarray(self.logs[reference][:count]) - ours)

    @property
    def noise(self) -> float:
        """Median relative disagreement of two bursts of the same subject in one round."""
        return float(np.expm1(np.median(self.disagreement))) if self.disagreement else 0.0

    def throughput(self, subject: str) -> Estimate:
        """Samples per second by interquartile mean over rounds, with its interval."""
        return ratio_from_logs(-np.asarray(self.logs[subject]))

    def latency(self, subject: str) -> Latency:
        """Distribution of the subject's calls, milliseconds: while all its streams are busy."""
        return summarise(self.calls[subject])


def summarise(bursts: list[NDArray[np.int64]]) -> Latency:
    """p50, p95, p99 of all calls; the median's interval resamples whole bursts.

    Args:
        bursts: int64 nanoseconds, one array a burst; calls in a burst are correlated, bursts less.
    """
    calls = np.concatenate(bursts) / 1e6
    p50, p95, p99 = np.percentile(calls, [50, 95, 99])
    medians = np.asarray([np.median(burst) for burst in bursts]) / 1e6
    low, high = bootstrap_ci(medians, lambda rows: np.median(rows, axis=-1))
    # The median of burst medians and that of all calls differ a little: the interval holds both.
    ci: Ci95 = (float(min(low, p50)), float(max(high, p50)))
    return Latency(p50=float(p50), p95=float(p95), p99=float(p99), ci95=ci, n=len(calls))


def run_rounds(
    subjects: Mapping[str, Actor],
    *,
    seconds: float,
    probe: Probe = LATENCY,
    rounds: Rounds | None = None,
    enough: Callable[[Rounds], bool] | None = None,
    min_rounds: int = MIN_ROUNDS,
    clock: Callable[[], float] = time.monotonic,
) -> Rounds:
    """Time `subjects` in interleaved rounds until `seconds` are spent or `enough` says so.

    Args:
        subjects: actors of `SessionHost` by name, all warmed up.
        seconds: time to spend; a round once begun is finished.
        probe: what a burst reads and how long it lasts.
        rounds: earlier rounds of the same subjects, to go on from.
        enough: asked after each round once `min_rounds` were made.
        min_rounds: fewest rounds, whatever the time.
        clock: seconds, monotonic.
    """
    rounds = rounds or Rounds()
    names = list(subjects)
    end = clock() + seconds
    made = 0
    while made < min_rounds or clock() < end:
        pairs: dict[str, list[float]] = {name: [] for name in names}
        for name in names + names[::-1]:
            reading = probe.read(subjects[name], probe.burst)
            rounds.calls.setdefault(name, []).append(reading.calls)
            pairs[name].append(reading.log)
        for name, (first, second) in pairs.items():
            rounds.logs.setdefault(name, []).append((first + second) / 2)
            rounds.disagreement.append(abs(first - second))
        made += 1
        if enough is not None and made >= min_rounds and enough(rounds):
            break
        names = names[1:] + names[:1]  # no subject always follows the same neighbour
    return rounds
