"""Sharing out the time: every candidate gets a part of it by promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import count

from paretune.core import InputError
from paretune.search.shares import RATE
from paretune.search.space import Option

#: Share of the time that recording the baseline's activations may take.
RECORDING = 0.05
#: Process seconds, at that rate, that one pass over the held-out samples may take: one or two where
#: networks are large. Judging a candidate runs what follows it, and is to take less than training.
JUDGING = 8.0
#: Fewest samples worth training or judging on.
FEWEST = 64
#: Part of its promised time that a candidate gets however late it is.
LEAST = 0.1
#: Candidates that are seen to however late it is, where the rest are left out for lack of time.
FEWEST_CANDIDATES = 8


def shares(options: Sequence[Option], seconds: float, each: float | None) -> dict[str, float]:
    """Seconds of process time of each option, evaluation included.

    A longer run of blocks, which has more to learn, gets the root of its length.

    Args:
        options: everything that is asked for, so that what is done already changes no share.
        seconds: process seconds in all, which they share.
        each: process seconds of a single block, in place of sharing; 0: judge all as they are.
    """
    weights = {option.id: _promise(option) for option in options}
    total = sum(weights.values())
    unit = each if each is not None else seconds / total if total else 0.0
    return {name: unit * weight for name, weight in weights.items()}


def samples(macs: int, bytes_each: int, *, seconds: float, most: int, disk: float) -> int:
    """How many samples to record.

    Planned from operations, not from a clock, so that the same request records the same samples.

    Args:
        macs: of the baseline for one sample.
        bytes_each: of one sample's activations.
        seconds: process seconds that one pass over them may take, as planned.
        most: samples wanted.
        disk: bytes that may be filled.

    Raises:
        InputError: the disk has no room for the fewest that are worth it.
    """
    by_room = samples_in(disk, bytes_each, most)
    by_time = int(seconds * RATE / max(macs, 1))
    return min(by_room, max(by_time, FEWEST))


def samples_in(disk: float, bytes_each: int, most: int) -> int:
    """How many samples' activations fit into so many bytes, `most` at most.

    Raises:
        InputError: fewer than are worth it.
    """
    fit = int(disk // max(bytes_each, 1))
    if fit < min(FEWEST, most):
        needed = min(FEWEST, most) * bytes_each / 1e6
        raise InputError(
            f"activations for the block library need {needed:.0f} MB and {disk / 1e6:.0f} MB may "
            "be used: free some room or set PARETUNE_HOME to a folder on another disk"
        )
    return min(most, fit)


class Pace:
    """How long the next task may take so that all of them end in time.

    Args:
        planned: process seconds of every task that is left.
        deadline: when all must be done, by `clock`.
        workers: processes that work beside one another.
        clock: in seconds.
    """

    def __init__(
        self, planned: float, *, deadline: float, workers: int, clock: Callable[[], float]
    ) -> None:
        self._left, self._deadline = planned, deadline
        self._workers, self._clock = workers, clock

    def take(self, share: float) -> float:
        """Seconds for a task of this share: less where time has been lost, never more.

        Nothing is left without a part of what it was promised: it would be remembered as it is.
        """
        remaining = max(self._deadline - self._clock(), 0.0) * self._workers
        scale = min(1.0, remaining / self._left) if self._left > 0 else 0.0
        scale = max(scale, LEAST)
        self._left -= share
        return share * scale


class Turns:
    """Lets one task begin after the other until the time is up.

    Args:
        deadline: when all must be done, by `clock`.
        clock: in seconds.
    """

    def __init__(self, *, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline, self._clock = deadline, clock
        self._begun = count()

    def take(self, share: float) -> float | None:
        """Seconds for the next task, no more than are left; None: it is too late to begin it.

        With less than half of its time a candidate would be remembered as worse than it is.
        """
        remaining = self._deadline - self._clock()
        if next(self._begun) >= FEWEST_CANDIDATES and (remaining <= 0 or remaining < share / 2):
            return None
        return max(min(share, remaining), LEAST * share)


def _promise(option: Option) -> float:
    return 0.0 if option.operator == "skip" else math.sqrt(option.span)
