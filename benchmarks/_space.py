"""A network's space of architectures with something that measures them, opened for a while."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _common import Said
from _networks import efficientnet_b0, hugging_face
from numpy.typing import NDArray

from paretune.core import Model
from paretune.data import materialise, random_inputs
from paretune.engine import LocalEngine, machine
from paretune.search import propose
from paretune.search.latency import LatencyModel, LatencyOracle, fit, time_networks
from paretune.search.proposals import Proposals
from paretune.search.solve import cheapest
from paretune.search.space import Choice, Space
from paretune.store import Store

Floats = NDArray[np.float64]


@contextmanager
def opened(network: str | Model) -> Iterator[tuple[LatencyOracle, Proposals]]:
    """Blocks found, replacements proposed, and an empty store; random weights and inputs.

    Args:
        network: brought in, `efficientnet-b0`, or a name as in `_networks.SIZES`.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = network if isinstance(network, Model) else _named(network, folder)
        data = random_inputs(model, count=4)
        arrays = materialise(data, "search", model, folder / "arrays")
        proposals = propose(model, arrays)
        with (
            Store.open(f"sqlite:///{folder}/store.sqlite") as store,
            LatencyOracle(
                model,
                proposals.blocks,
                proposals.space,
                arrays,
                target=machine.detect(),
                engine=LocalEngine(),
                store=store,
            ) as oracle,
        ):
            yield oracle, proposals


def modelled(oracle: LatencyOracle, seconds: float) -> tuple[LatencyModel, Floats, int]:
    """The latency model from what is timed in that time, multiply-adds (m,), networks timed."""
    known = time_networks(oracle, Said(), seed=0, most=120, seconds=seconds)
    costs = oracle.costs()
    macs = np.array([costs[option.id][0] for option in oracle.space.options], dtype=float)
    return fit(oracle.space, known, costs), macs, len(known)


def lean(space: Space, weights: Floats, macs: Floats, share: float) -> Choice:
    """The fastest by the model of those that keep a share of the baseline's multiply-adds.

    Args:
        space: all architectures.
        weights: predicted latency of each option, (m,).
        macs: multiply-adds of each option, (m,).
        share: of the baseline's.
    """
    least = share * macs[space.baseline()].sum()
    found = cheapest(space, loss=-macs, latency=weights, allowed=-least)
    # The baseline itself meets it.
    return space.baseline() if found is None else found


def _named(name: str, folder: Path) -> Model:
    return efficientnet_b0() if name == "efficientnet-b0" else hugging_face(name, folder)
