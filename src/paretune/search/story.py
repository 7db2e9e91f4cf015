"""An architecture in words: what its blocks became, what that saves and what it cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import Change, SearchPoint
from paretune.search.choosing import Pick
from paretune.search.latency import LatencyModel
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP, Space

if TYPE_CHECKING:
    from paretune.search.finish import Standing


def point(
    pick: Pick,
    proposals: Proposals,
    space: Space,
    latency: LatencyModel,
    swap: NDArray[np.float64],
    name: str,
) -> SearchPoint:
    """What the search knew of an architecture before it was trained whole.

    Args:
        pick: the architecture.
        proposals: for words.
        space: the usable options.
        latency: their predicted times, relative to the baseline's.
        swap: divergence with each alone put in, nats, (m,).
        name: of the architecture.
    """
    changes = []
    for option in space.chosen(space.of(pick.ids)):
        if option.operator == KEEP:
            continue
        place = space.index[option.id]
        kept = sum(
            latency.weights[space.starting[b][0]] for b in range(option.first, option.last + 1)
        )
        run = proposals.blocks[option.first : option.last + 1]
        changes.append(
            Change(
                blocks=tuple(block.name for block in run),
                operator=option.operator,
                words=proposals.words(option),
                saves=float(kept - latency.weights[place]),
                kl=float(swap[place]) if math.isfinite(swap[place]) else None,
            )
        )
    return SearchPoint(
        architecture=name,
        predicted_speed=pick.predicted,
        measured_speed=pick.speed,
        speed_ci95=pick.ci95,
        predicted_loss=pick.loss,
        loss_ci90=pick.loss_ci90,
        changes=tuple(changes),
    )


def trained_point(known: SearchPoint, standing: Standing) -> SearchPoint:
    """The same with what training it whole has shown."""
    scores = standing.scores
    return known.model_copy(
        update={
            "score": scores[-1] if scores else None,
            "scores": scores,
            "trained_s": standing.seconds,
            "reason": standing.reason or "",
        }
    )
