"""A network's space of architectures with something that measures them, opened for a while."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _networks import efficientnet_b0, hugging_face

from paretune.core import Model
from paretune.data import Dataset, TensorSamples, materialise
from paretune.engine import LocalEngine, machine
from paretune.search import propose
from paretune.search.latency import LatencyOracle
from paretune.store import Store


@contextmanager
def opened(name: str) -> Iterator[LatencyOracle]:
    """Blocks found, replacements proposed, and an empty store; random weights and inputs.

    Args:
        name: `efficientnet-b0`, or as in `_networks.SIZES`.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = efficientnet_b0() if name == "efficientnet-b0" else hugging_face(name, folder)
        data = _random(model)
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
            yield oracle


def _random(model: Model) -> Dataset:
    shape = model.inputs[0].concrete(1)[1:]
    x = np.random.default_rng(0).standard_normal((4, *shape)).astype("float32")
    every = np.arange(len(x))
    splits = {"train": every, "search": every, "holdout": every[:0]}
    return Dataset(TensorSamples("random", {model.inputs[0].name: x}), splits)
