"""The comparison a claim rests on: interleaved rounds over fresh starts of every subject."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from paretune.core import Estimate, Latency, Progress, Silent
from paretune.engine import Actor
from paretune.measure.interleave import LATENCY, Probe, Rounds, run_rounds, summarise
from paretune.measure.race import Opener
from paretune.measure.statistics import ratio_from_groups

#: Fresh starts of every subject. More narrows the interval; each costs the time to load. An even
#: number, because subjects are opened in turn forwards and backwards.
STARTS = 6
#: Fewest, however short the time: one start cannot show what another would have given.
MIN_STARTS = 4


@dataclass(frozen=True)
class Comparison:
    """Rounds of the same subjects over several fresh starts.

    Attributes:
        starts: the rounds of each start.
        peak_memory_mb: highest of the starts, by subject, MB.
    """

    starts: tuple[Rounds, ...]
    peak_memory_mb: dict[str, float]

    def ratio(self, reference: str, subject: str) -> Estimate:
        """Time of `reference` over time of `subject`: above 1, the subject is faster."""
        return ratio_from_groups(
            [
                np.asarray(rounds.logs[reference]) - np.asarray(rounds.logs[subject])
                for rounds in self.starts
            ]
        )

    def latency(self, subject: str) -> Latency:
        """Distribution of all calls of the subject, milliseconds, while all streams are busy."""
        return summarise([burst for rounds in self.starts for burst in rounds.calls[subject]])

    def throughput(self, subject: str) -> Estimate:
        """Samples per second, with its interval over starts."""
        return ratio_from_groups([-np.asarray(rounds.logs[subject]) for rounds in self.starts])

    @property
    def noise(self) -> float:
        """Median relative disagreement of repeated bursts."""
        every = [value for rounds in self.starts for value in rounds.disagreement]
        return float(np.expm1(np.median(every)))

    @property
    def drift(self) -> float:
        """Slowest over fastest start of the same subject, median over subjects, minus 1."""
        spreads = []
        for name in self.peak_memory_mb:
            medians = [float(np.median(rounds.logs[name])) for rounds in self.starts]
            spreads.append(max(medians) - min(medians))
        return float(np.expm1(np.median(spreads)))


def compare(
    openers: Mapping[str, Opener],
    *,
    seconds: float,
    starts: int = STARTS,
    limit: float = float("inf"),
    probe: Probe = LATENCY,
    together: int = 1,
    progress: Progress | None = None,
    after_start: Callable[[], object] = lambda: None,
) -> Comparison:
    """Time subjects in interleaved rounds over several fresh starts.

    Args:
        openers: how to open each subject, warmed up.
        seconds: timing time of all starts together; loading comes on top.
        starts: fresh starts.
        limit: wall seconds, loading included, after which no further start is begun once
            `MIN_STARTS` were made.
        probe: what is timed.
        together: subjects opened at once; more than one where their warming up does not disturb
            each other.
        progress: told of each start.
        after_start: called after each start, such as a look at the machine.

    Raises:
        ParetuneError: a subject cannot be opened or fails.
    """
    told = progress or Silent()
    every: list[Rounds] = []
    memory: dict[str, float] = {}
    began = time.monotonic()
    for start in range(starts):
        spent = time.monotonic() - began
        if start >= MIN_STARTS and spent * (start + 1) / start > limit:
            break
        told.step(f"start {start + 1} of {starts}")
        with ExitStack() as stack:
            # Whoever is opened first gets other memory than whoever comes later.
            order = list(openers) if start % 2 == 0 else list(openers)[::-1]
            subjects = _opened(openers, order, together, stack)
            every.append(run_rounds(subjects, seconds=seconds / starts, probe=probe))
            for name, subject in subjects.items():
                memory[name] = max(memory.get(name, 0.0), subject.call("peak_memory_mb"))
            after_start()
    return Comparison(tuple(every), memory)


def _opened(
    openers: Mapping[str, Opener], order: Sequence[str], together: int, stack: ExitStack
) -> dict[str, Actor]:
    """Subjects, opened in order; whatever was opened is closed with `stack`.

    Raises:
        ParetuneError: one cannot be opened; of several, the first.
    """
    if together == 1:
        return {name: stack.enter_context(openers[name]()) for name in order}
    pool = ThreadPoolExecutor(together)
    try:
        futures = {name: pool.submit(openers[name]) for name in order}
        wait(futures.values())
    finally:
        pool.shutdown(cancel_futures=True)
    for future in futures.values():
        if future.exception() is None:
            stack.enter_context(future.result())
    return {name: future.result() for name, future in futures.items()}
