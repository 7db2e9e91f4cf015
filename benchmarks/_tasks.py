"""The reference tasks of the search: trained networks with their data.

C10 is ResNet-56 on CIFAR-10 (JPEG), FM a small EfficientNet on Fashion-MNIST, both as
`train_baselines.py` makes them; digits is the demo's network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import _cifar
import train_baselines
from _common import ROOT, Said

from paretune.core import Model
from paretune.data import Dataset, load_data
from paretune.pipeline.demo import BUDGET, EPOCHS, trained
from paretune.search.ledger import DEFAULT_EPOCHS
from paretune.sources import load_model


@dataclass(frozen=True)
class Task:
    """A trained network and its data.

    Attributes:
        load: brings the model in.
        data: its data set.
        budget: of the whole trip.
        epochs: of one full training of the network, the unit of what a search costs.
        constraints: of the search; the product's own by default.
    """

    load: Callable[[], Model]
    data: Callable[[], Dataset]
    budget: str
    epochs: float
    constraints: tuple[str, ...] = ()


def importable() -> None:
    """Let every process find a model's factory by its name from the project's root."""
    sys.path.insert(0, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])


def resnet_56() -> Model:
    """ResNet-56 fine-tuned to the JPEG images."""
    weights = train_baselines.resnet(56)
    return load_model(
        f"benchmarks._cifar:resnet56@{weights}", input_shape=(3, _cifar.SIZE, _cifar.SIZE)
    )


def fashion_network() -> Model:
    """The small EfficientNet trained on Fashion-MNIST, from its Hugging Face folder."""
    return load_model(str(train_baselines.fashion()))


def digits() -> Dataset:
    """The scans of digits."""
    return load_data("digits", seed=0)


def digits_network() -> Model:
    """The demo's network, trained."""
    return load_model(f"digits-resnet@{trained(digits(), seed=0, told=Said())}")


TASKS = {
    # The control gains about as much by distillation as it may be better than what is found.
    "c10": Task(resnet_56, _cifar.dataset, "60m", DEFAULT_EPOCHS, ("accuracy >= baseline - 0 pt",)),
    "fm": Task(
        fashion_network,
        lambda: load_data("fashion-mnist", seed=0),
        "60m",
        train_baselines.FASHION_EPOCHS,
        ("accuracy >= baseline - 0.3 pt",),
    ),
    "digits": Task(digits_network, digits, BUDGET, EPOCHS),
}
