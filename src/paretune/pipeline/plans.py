"""In which order the run-time settings of a program are tried, each answer deciding the next.

A plan is a generator: it yields a setting, is sent the speed that was measured (or None where the
setting failed), and ends when another setting cannot be worth its time.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from paretune.measure.throughput import WORTH

#: A program this much slower than the leader at full threads is not tried at fewer.
HOPELESS = 3.0


class Setting(NamedTuple):
    """Threads of all streams together, streams at once, samples a call."""

    threads: int
    streams: int
    batch: int


#: Sent: (speed, leader's speed), in samples per second relative to one reference.
Plan = Generator[Setting, tuple[float, float] | None, None]


def latency_plan(threads: tuple[int, ...], batch: int, *, thorough: bool = False) -> Plan:
    """One stream at every thread count, most threads first.

    Args:
        threads: counts to try.
        batch: samples a call.
        thorough: try every count even where the first is hopeless: the baseline is always given
            its best, so that no ratio against it is flattered.
    """
    for count in sorted(set(threads), reverse=True):
        answer = yield Setting(count, 1, batch)
        if not thorough and (answer is None or answer[0] * HOPELESS < answer[1]):
            return


def throughput_plan(threads: int, batch: int, *, max_streams: int, max_batch: int) -> Plan:
    """All threads; streams, then batch, doubled until a doubling gains too little.

    Args:
        threads: used by all streams together.
        batch: samples a call to begin with.
        max_streams: most requests at once.
        max_batch: largest batch the program takes, or worth trying.
    """
    answer = yield Setting(threads, 1, batch)
    if answer is None:
        return
    best, streams = answer[0], 1
    while streams * 2 <= max_streams:
        answer = yield Setting(threads, streams * 2, batch)
        if answer is None or answer[0] < best * WORTH:
            break
        best, streams = answer[0], streams * 2
    while batch * 2 <= max_batch:
        answer = yield Setting(threads, streams, batch * 2)
        if answer is None or answer[0] < best * WORTH:
            break
        best, batch = answer[0], batch * 2
