import numpy as np
import pytest
import torch

from paretune.core import InputError
from paretune.data import Dataset, materialise
from paretune.data._memory import TensorSamples
from paretune.engine import Engine, LocalEngine
from paretune.search.blocks import find
from paretune.search.network.site import flows
from paretune.search.operators import operators
from paretune.search.proposals import Proposals
from paretune.sources import load_model
from paretune.store import Store
from tests.search.library import nets


@pytest.fixture(scope="session")
def images():
    """Smooth random images with labels: classes come one after the other, as in folders."""
    random = np.random.default_rng(0)
    coarse = random.normal(size=(400, 1, 4, 4)).astype(np.float32)
    x = np.kron(coarse, np.ones((1, 1, 2, 2), np.float32))
    y = np.argsort(np.argsort(x.mean(axis=(1, 2, 3)))) * 4 // 400
    order = np.argsort(y, kind="stable")
    return x[order], y[order]


@pytest.fixture(scope="session")
def tiny(images):
    """The network, its statistics those of the images."""
    torch.manual_seed(0)
    net = nets.Tiny()
    with torch.no_grad():
        for _ in range(20):
            net.train()(torch.from_numpy(images[0][::4]))
    return load_model(net.eval(), input_shape=(1, nets.SIZE, nets.SIZE))


@pytest.fixture(scope="session")
def splits(tiny, images, tmp_path_factory):
    """Train and search as arrays."""
    rows = np.arange(400)
    parts = {"train": rows[rows % 4 < 2], "search": rows[rows % 4 == 2], "holdout": rows[3::4]}
    data = Dataset(TensorSamples("images", {"x": images[0]}, images[1]), parts)
    folder = tmp_path_factory.mktemp("splits")
    return [materialise(data, split, tiny, folder) for split in ("train", "search")]


def proposed(module, x, using=()):
    blocks = find(module, (x[:1],))
    return Proposals(module, blocks, flows(module, blocks, (x,)), using)


@pytest.fixture(scope="session")
def examples(images):
    return torch.from_numpy(images[0][::20])


@pytest.fixture(scope="session")
def proposals(tiny, examples):
    """Skip and basic blocks, and the operator that fails."""
    known = [operator.name for operator in operators()]
    assert "faulty" not in known
    nets.registered()
    yield proposed(tiny.module, examples, ["skip", "basic", "faulty"])
    nets.forget()


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/s.sqlite") as opened:
        yield opened


class Watched(Engine):
    """Local processes, counted, whose calls are noted."""

    def __init__(self):
        self.calls, self.started = [], 0
        self._engine = LocalEngine()

    def actor(self, factory, /, *args, **kwargs):
        self.started += 1
        actor = self._engine.actor(factory, *args, **kwargs)
        plain = actor.call

        def call(method, /, *args, timeout=None, **kwargs):
            self.calls.append((method, args, kwargs))
            return plain(method, *args, timeout=timeout, **kwargs)

        actor.call = call
        return actor

    def within(self, environment):
        return self._engine.within(environment)

    def fitted(self, last=True):
        return sorted(a[0].id for m, a, k in self.calls if m == "fit" and k["last"] == last)


class Idle(Engine):
    """Nothing may be asked of it."""

    def actor(self, factory, /, *args, **kwargs):
        raise InputError("no process was needed")

    def within(self, environment):
        return self
