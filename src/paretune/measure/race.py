"""Racing: every variant gets a little time, intervals eliminate the hopeless, survivors get more.

The idea is successive elimination (Even-Dar, Mannor & Mansour 2006, JMLR 7, 1079-1105) with
interleaved time ratios as the statistic, so that a drifting machine cannot decide a race.

A first pass times every subject against one fixed reference; such a standing does not depend on
who else races, so it can be kept and used again. A second pass times the survivors together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from paretune.core import Estimate, Latency, Noun
from paretune.engine import Actor
from paretune.measure.interleave import LATENCY, MIN_ROUNDS, Probe, Rounds, run_rounds

#: Survivors timed together at most; more would only fight for memory.
MAX_FINALISTS = 6
#: A finalist whose whole interval is this close to the leader is as fast for every purpose.
TIE = 0.01

Opener = Callable[[], Actor]


class Standing(Noun):
    """How one subject came out.

    Attributes:
        latency: of all its timed calls, while all its streams were busy.
        throughput: samples per second while it was timed.
        peak_memory_mb: of its process after it was timed, MB.
        speed: reference's time per sample over its own: above 1 is faster than the reference.
        noise: median relative disagreement of repeated bursts.
    """

    latency: Latency
    throughput: Estimate
    peak_memory_mb: float | None = None
    speed: Estimate
    noise: float


def screen(
    reference: Actor,
    opener: Opener,
    *,
    seconds: float,
    probe: Probe = LATENCY,
    min_rounds: int = MIN_ROUNDS,
) -> Standing:
    """First pass: time one subject against the reference.

    Args:
        reference: what all are timed against, warmed up.
        opener: opens the subject.
        seconds: time to spend.
        probe: what is timed.
        min_rounds: fewest rounds, whatever the time.

    Raises:
        ParetuneError: the subject cannot be opened or fails while it is timed.
    """
    with opener() as subject:
        pair = {"reference": reference, "subject": subject}
        rounds = run_rounds(pair, seconds=seconds, probe=probe, min_rounds=min_rounds)
        memory = subject.call("peak_memory_mb")
    return _standing(rounds, "reference", "subject", memory)


def survivors(standings: Mapping[str, Standing]) -> list[str]:
    """Who may still be the fastest: fastest first, at most `MAX_FINALISTS`.

    A subject is out when the upper end of its speed lies below the lower end of the leader's, both
    against the reference and by its own rate: a reference that was disturbed while one subject was
    timed makes that one look too fast, and would put all others out.
    """
    speeds = {name: standing.speed for name, standing in standings.items()}
    rates = {name: standing.throughput for name, standing in standings.items()}
    places: dict[str, int] = {}
    for found in (speeds, rates):
        ranked = sorted(found, key=lambda name: -found[name].value)
        for place, name in enumerate(ranked):
            if found[name].ci95[1] >= found[ranked[0]].ci95[0]:
                places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: places[name])[:MAX_FINALISTS]


@dataclass(frozen=True)
class Final:
    """How the second pass ended.

    Attributes:
        winner: the fastest.
        standings: by subject; `speed` is against the winner.
    """

    winner: str
    standings: dict[str, Standing]


def final(
    openers: Mapping[str, Opener],
    *,
    seconds: float,
    probe: Probe = LATENCY,
    clock: Callable[[], float] = time.monotonic,
) -> Final:
    """Second pass: time the survivors together until intervals or time decide.

    Args:
        openers: how to open each, best guess first; at least one.
        seconds: time for all of them.
        probe: what is timed.
        clock: seconds, monotonic.

    Raises:
        ParetuneError: one of them fails now, though it passed the first pass.
    """
    with ExitStack() as stack:
        alive = {name: stack.enter_context(opener()) for name, opener in openers.items()}
        end = clock() + seconds
        rounds = Rounds()
        standings: dict[str, Standing] = {}
        leader = next(iter(alive))
        while True:
            run_rounds(alive, seconds=0, probe=probe, rounds=rounds)
            leader = max(alive, key=lambda name: rounds.ratio(leader, name).value)
            for name, actor in alive.items():
                memory = actor.call("peak_memory_mb")
                standings[name] = _standing(rounds, leader, name, memory)
            slower = [name for name in alive if standings[name].speed.ci95[1] < 1]
            for name in slower:
                alive.pop(name).close()
            undecided = [n for n in alive if n != leader and not _is_tie(standings[n].speed)]
            if not undecided or clock() > end:
                return Final(leader, standings)


def _standing(rounds: Rounds, reference: str, name: str, memory: float) -> Standing:
    return Standing(
        latency=rounds.latency(name),
        throughput=rounds.throughput(name),
        peak_memory_mb=memory,
        speed=rounds.ratio(reference, name),
        noise=rounds.noise,
    )


def _is_tie(speed: Estimate) -> bool:
    return speed.ci95[0] >= 1 - TIE and speed.ci95[1] <= 1 + TIE
