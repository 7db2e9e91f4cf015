"""Racing: every variant gets a little time, intervals eliminate the hopeless, survivors get more.

The idea is successive elimination (Even-Dar, Mannor & Mansour 2006, JMLR 7) with the interleaved
ratio to the current leader as the statistic, so that machine drift cannot decide a race.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from paretune.core import Estimate, Latency, ParetuneError, Progress, Silent
from paretune.engine import Actor
from paretune.measure.interleave import Probe, Rounds, latency_probe, run_rounds

#: Subjects kept loaded at once; more would only fight for memory.
MAX_ALIVE = 6
#: A finalist this close to the leader is as fast for every practical purpose.
TIE = 0.01


@dataclass(frozen=True)
class Standing:
    """How one subject came out.

    Attributes:
        latency: of all its timed calls, None for a throughput race.
        throughput: samples per second while it was timed.
        peak_memory_mb: of its process, MB.
        versus_leader: leader's time over its time (below 1: slower than the leader).
        reason: why it lost or could not run, empty for the winner.
        failed: whether it could not run at all.
    """

    latency: Latency | None = None
    throughput: Estimate | None = None
    peak_memory_mb: float | None = None
    versus_leader: Estimate | None = None
    reason: str = ""
    failed: bool = False


@dataclass
class Race:
    """A race in progress; `run` gives every subject's standing.

    Args:
        subjects: how to open each subject (a warmed-up actor of `SessionHost`), best guess first.
        screen_seconds: time of each subject in the first pass.
        final_seconds: time the survivors share.
        probe: what is timed.
        progress: told of each subject.
        deadline: `time.monotonic()` after which nothing new is begun.
    """

    subjects: Mapping[str, Callable[[], Actor]]
    screen_seconds: float
    final_seconds: float
    probe: Probe = latency_probe
    progress: Progress = field(default_factory=Silent)
    deadline: float = float("inf")

    def __post_init__(self) -> None:
        self._alive: dict[str, Actor] = {}
        self._standings: dict[str, Standing] = {}
        self._leader = ""
        self._noise: list[float] = []

    @property
    def noise(self) -> list[float]:
        """Relative disagreement of repeated bursts, one figure per group of rounds."""
        return self._noise

    def run(self) -> tuple[str, dict[str, Standing]]:
        """(name of the winner, standing by subject); the name is empty when none could run."""
        with ExitStack() as stack:
            for name, opener in self.subjects.items():
                self._screen(name, opener, stack)
            if len(self._alive) > 1:
                self._final()
        return self._leader, self._standings

    def _screen(self, name: str, opener: Callable[[], Actor], stack: ExitStack) -> None:
        """First pass: open a subject and time it against the leader."""
        self.progress.step(name)
        if time.monotonic() > self.deadline:
            self._standings[name] = Standing(reason="the budget ended before it was tried")
            return
        try:
            actor = stack.enter_context(opener())
            group = {self._leader: self._alive[self._leader]} if self._leader else {}
            rounds = run_rounds(group | {name: actor}, seconds=self.screen_seconds, probe=self.probe)
            memory = actor.call("peak_memory_mb")
        except ParetuneError as error:
            self._standings[name] = Standing(reason=str(error), failed=True)
            return
        self._noise.append(rounds.noise)
        self._alive[name] = actor
        self._record(name, rounds, memory)
        if not self._leader:
            self._leader = name
            return
        self._eliminate(rounds)
        while len(self._alive) > MAX_ALIVE:
            others = (n for n in self._alive if n != self._leader)
            slowest = min(others, key=lambda n: _value(self._standings[n].versus_leader))
            self._drop(slowest, "slower than the leader, and only a few can be kept loaded")

    def _final(self) -> None:
        """Second pass: all survivors together until intervals or time decide."""
        end = min(time.monotonic() + self.final_seconds, self.deadline)
        rounds = Rounds()
        while len(self._alive) > 1 and time.monotonic() < end:
            before = set(self._alive)
            rounds = run_rounds(self._alive, seconds=0, probe=self.probe, rounds=rounds)
            self._noise.append(rounds.noise)
            for name in before:
                self._record(name, rounds, self._standings[name].peak_memory_mb)
            self._eliminate(rounds)
            if set(self._alive) != before:
                rounds = Rounds()  # rounds are only comparable between the same subjects
            elif all(_is_tie(rounds, self._leader, n) for n in self._alive if n != self._leader):
                break
        for name in [n for n in self._alive if n != self._leader]:
            self._drop(name, "no difference from the chosen variant that the time could show")

    def _record(self, name: str, rounds: Rounds, memory: float | None) -> None:
        """Keep the figures of the subject's latest rounds."""
        timed = len(rounds.calls[name]) > 0 and len(rounds.calls[name][0]) > 0
        self._standings[name] = Standing(
            latency=rounds.latency(name) if timed else None,
            throughput=rounds.throughput(name),
            peak_memory_mb=memory,
        )

    def _eliminate(self, rounds: Rounds) -> None:
        """Choose the leader among the subjects of `rounds` and drop whoever is surely slower."""
        names = [n for n in rounds.logs if n in self._alive]
        old = self._leader
        self._leader = max(names, key=lambda n: rounds.ratio(old, n).value)
        for name in names:
            if name == self._leader:
                continue
            versus = rounds.ratio(self._leader, name)
            self._standings[name] = replace(self._standings[name], versus_leader=versus)
            if versus.ci95[1] < 1:
                slower = 1 / versus.value
                self._drop(name, f"{slower:.2f}x the time of {self._leader}")

    def _drop(self, name: str, reason: str) -> None:
        """Take a subject out of the race and close it."""
        self._alive.pop(name).close()
        self._standings[name] = replace(self._standings[name], reason=reason)


def _value(estimate: Estimate | None) -> float:
    return 1.0 if estimate is None else estimate.value


def _is_tie(rounds: Rounds, leader: str, name: str) -> bool:
    """Whether the interval of the ratio lies wholly within `TIE` of 1."""
    low, high = rounds.ratio(leader, name).ci95
    return 1 - TIE <= low and high <= 1 + TIE
