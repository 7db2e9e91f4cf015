"""Measuring many architectures: as many as the time allows, without those that fail."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import numpy as np

from paretune.core import ParetuneError, Progress
from paretune.search.latency.design import design
from paretune.search.latency.oracle import LatencyOracle, Reading
from paretune.search.space import Choice

#: Networks that the latency model is made from at least, however long they take.
FEWEST = 8


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
    found: list[Reading] = []
    end = time.monotonic() + seconds
    for tried, choice in enumerate(choices):
        if time.monotonic() > end and (len(found) >= fewest or tried >= 2 * fewest):
            break
        told.step(f"network {len(found) + 1}")
        try:
            found.append(oracle.measure(choice, profile=profile))
        except ParetuneError as error:
            told.note(f"a network cannot be timed and is left out: {error}")
    return found


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
        ParetuneError: the baseline itself cannot be measured.
    """
    told.stage("time networks", most)
    own = oracle.measure(oracle.space.baseline(), profile=True)
    rows = design(oracle.space, most, np.random.default_rng(seed))
    rest = measured(oracle, rows, told, profile=True, seconds=seconds, fewest=FEWEST - 1)
    return [own, *rest]
