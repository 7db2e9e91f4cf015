"""Scoring composed networks, as many as there is time for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretune.core import Progress
from paretune.search.library._crew import Call, Crew

#: Networks that are scored whatever the time, where the rest are left out for lack of it.
FEWEST_SCORED = 16


@dataclass(frozen=True)
class Scores:
    """What composed networks do without any further training.

    Attributes:
        kl: mean KL divergence in nats of each from the baseline on the held-out samples,
            float (n,), NaN where it failed or there was no time for it.
        accuracy: of each on the same samples, a fraction, float (n,), NaN likewise; None where
            unlabelled.
    """

    kl: NDArray[np.float64]
    accuracy: NDArray[np.float64] | None


def score(
    crew: Crew,
    networks: Sequence[Mapping[str, Path | None]],
    *,
    seconds: float,
    settle: bool,
    labelled: bool,
    progress: Progress,
    clock: Callable[[], float],
) -> Scores:
    """Score networks in this order until the time is up.

    Args:
        crew: of trainers.
        networks: the options of each, which cover every block, and their weights; None: kept.
        seconds: wall time after which none is begun but the first `FEWEST_SCORED`.
        settle: whether BatchNorm statistics are re-estimated first.
        labelled: whether the held-out samples have labels.
        progress: told every network that is scored.
        clock: in seconds.
    """
    end = clock() + seconds

    def in_time(place: int, call: Call) -> Call:
        return lambda actor: call(actor) if place < FEWEST_SCORED or clock() < end else None

    kl, right = np.full(len(networks), np.nan), np.full(len(networks), np.nan)
    progress.stage(f"score {len(networks)} networks", len(networks))
    calls = [in_time(place, _scoring(one, settle)) for place, one in enumerate(networks)]
    for done in crew.run(calls):
        if done.result is None and not done.reason:
            continue  # there was no time for it
        progress.step(done.reason or f"network {done.place + 1}: KL {done.result[0]:.4f}")
        if not done.reason:
            kl[done.place] = done.result[0]
            right[done.place] = math.nan if done.result[1] is None else done.result[1]
    return Scores(kl, right if labelled else None)


def _scoring(network: Mapping[str, Path | None], settle: bool) -> Call:
    weights = {name: path for name, path in network.items() if path is not None}
    return lambda actor: actor.call("score", list(network), weights, settle=settle)
