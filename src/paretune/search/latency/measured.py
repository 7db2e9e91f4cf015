"""Measuring many architectures: as many as the time allows, without those that fail."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator

import numpy as np

from paretune.core import ParetuneError, Progress
from paretune.search.latency._timer import LEAST_CALLS
from paretune.search.latency.design import design
from paretune.search.latency.model import check_enough
from paretune.search.latency.oracle import LatencyOracle, Reading
from paretune.search.space import Choice

#: Networks that the latency model is made from at least, however long they take.
FEWEST = 8


def least_seconds(baseline_ms: float) -> float:
    """Seconds that timing the fewest networks takes at least.

    Args:
        baseline_ms: of one call of the baseline; the others are taken for as slow.
    """
    return (FEWEST - 1) * 2 * LEAST_CALLS * baseline_ms / 1000


def measured(
    oracle: LatencyOracle,
    choices: Iterable[Choice],
    told: Progress,
    *,
    profile: bool = False,
    seconds: float = math.inf,
    fewest: int = 0,
) -> list[Reading]:
    """Readings of these architectures, in order, until the time is over.

    Args:
        oracle: measures.
        choices: bool (m,) each.
        told: told every network, and why one is left out.
        profile: as for `LatencyOracle.measure`.
        seconds: after which no further one is begun.
        fewest: readings to take however long it lasts, unless as many fail.
    """
    tried = _tried(oracle, choices, told, profile, seconds, fewest)
    return [one for one in tried if isinstance(one, Reading)]


def _tried(
    oracle: LatencyOracle,
    choices: Iterable[Choice],
    told: Progress,
    profile: bool,
    seconds: float,
    fewest: int,
) -> Iterator[Reading | ParetuneError]:
    """See `measured`; those that are left out as well."""
    found, end = 0, time.monotonic() + seconds
    for tried, choice in enumerate(choices):
        if time.monotonic() > end and (found >= fewest or tried >= 2 * fewest):
            break
        told.step(f"network {found + 1}")
        try:
            yield oracle.measure(choice, profile=profile)
            found += 1
        except ParetuneError as error:
            told.note(f"a network cannot be timed and is left out: {error}")
            yield error


def time_networks(
    oracle: LatencyOracle, told: Progress, *, seed: int, most: int, seconds: float
) -> list[Reading]:
    """Readings of the baseline and of designed networks, for the latency model.

    With one seed fewer networks are the beginning of more, so that what a preview has measured
    need not be measured again.

    Args:
        oracle: measures.
        told: told every network.
        seed: of the design.
        most: designed networks.
        seconds: after which no further one is begun.

    Raises:
        ParetuneError: the baseline itself cannot be measured, or too few others can.
    """
    told.stage("time networks", most)
    found = [oracle.measure(oracle.space.baseline(), profile=True)]
    rows, why = design(oracle.space, most, np.random.default_rng(seed)), ""
    for one in _tried(oracle, rows, told, True, seconds, FEWEST - 1):
        if isinstance(one, Reading):
            found.append(one)
        else:
            why = str(one)
    check_enough(oracle.space, found, why)
    return found
