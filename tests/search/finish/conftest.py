"""Scans of digits, a trained teacher, and students that are narrower."""

import numpy as np
import pytest
import torch

from paretune.core import Silent
from paretune.data import load_data, materialise
from paretune.pipeline.demo import train
from paretune.sources import load_model
from paretune.sources._digits_net import DigitsNet
from paretune.store import paths


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits():
    """The splits `train` (719) and `search` (539) as arrays."""
    dataset, model = load_data("digits", seed=0), load_model("digits-resnet@random")
    return {
        split: materialise(dataset, split, model, paths.arrays()) for split in ("train", "search")
    }


@pytest.fixture(scope="session")
def teacher(digits):
    """A residual network of 8, 16, 32 channels, trained on the labels."""
    module = net(0, (8, 16, 32))
    train(module, digits["train"], seed=0, progress=Silent())
    return module


@pytest.fixture(scope="session")
def accuracy(digits):
    """Share of `search` that a module gets right."""
    arrays = digits["search"]
    images = torch.from_numpy(arrays.feeds(0, arrays.n)["image"].copy())
    labels = torch.from_numpy(arrays.labels())

    def score(module):
        with torch.no_grad():
            return float((module(images).argmax(1) == labels).float().mean())

    return score


def net(seed, widths=(4, 8, 16)):
    """An untrained network in eval mode."""
    torch.manual_seed(seed)
    return DigitsNet(widths=widths, blocks=1).eval()


def weights(module):
    """All of a module's state as one vector."""
    return np.concatenate([v.double().numpy().ravel() for v in module.state_dict().values()])
