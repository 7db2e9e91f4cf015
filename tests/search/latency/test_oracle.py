"""Real networks compiled to int8, profiled and timed against the baseline."""

import os
import signal

import numpy as np
import pytest
import torch

from paretune.core import WorkerError
from paretune.data import Dataset, TensorSamples, materialise
from paretune.engine import LocalEngine, machine
from paretune.runtimes.base import Settings
from paretune.search.blocks import find
from paretune.search.latency import LatencyOracle
from paretune.search.latency._timer import Timer
from paretune.search.network.site import flows
from paretune.search.proposals import Proposals
from paretune.sources import load_model
from paretune.store import Store


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle")
    model = load_model("digits-resnet@random")
    x = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype("float32")
    every = np.arange(4)
    splits = {"train": every, "search": every, "holdout": every[:0]}
    arrays = materialise(Dataset(TensorSamples("x", {"image": x}), splits), "search", model, folder)
    inputs = (torch.from_numpy(x),)
    blocks = find(model.module, inputs)
    proposals = Proposals(model.module, blocks, flows(model.module, blocks, inputs))
    return model, blocks, proposals.space, arrays, folder


@pytest.fixture
def store(world):
    with Store.open(f"sqlite:///{world[4]}/store.sqlite") as shelf:
        yield shelf


def opened(world, store, folder=None, **how):
    model, blocks, space, arrays, _ = world
    return LatencyOracle(
        model,
        blocks,
        space,
        arrays,
        target=machine.detect(),
        engine=LocalEngine(),
        store=store,
        settings=Settings(threads=1, **how),
        folder=folder,
    )


def test_less_work_is_faster_and_every_layer_is_somebodys(world, store):
    space = world[2]
    names = [space.options[row[0]].id for row in space.starting]
    names[1] = names[2] = "skip"
    names = [f"b{i}:skip" if name == "skip" else name for i, name in enumerate(names)]
    with opened(world, store) as oracle:
        whole = oracle.measure(space.baseline(), profile=True)
        fewer = oracle.measure(space.of(names), profile=True)
        assert oracle.baseline_ms() > 0
    assert whole.ci95[0] < 1.1
    assert whole.ci95[1] > 0.9
    assert fewer.speed > 1.1
    assert sum(whole.shares.values()) == pytest.approx(1)
    # Every block that computes something was seen to take time, and a skipped one none.
    assert all(whole.shares[f"b{i}:keep"] > 0 for i in range(len(world[1])))
    assert fewer.shares["b1:skip"] == fewer.shares["b2:skip"] == 0


def test_what_was_measured_is_remembered(world, store):
    space = world[2]
    choice = space.with_option(space.baseline(), space.index["b1:skip"])
    with opened(world, store) as oracle:
        first = oracle.measure(choice)
    with opened(world, store) as oracle:
        assert oracle.measure(choice) == first
        assert oracle._compiler is None  # nothing had to be built


def test_it_is_timed_with_the_batch_that_was_asked_for(world, store):
    space = world[2]
    choice = space.with_option(space.baseline(), space.index["b1:skip"])
    with opened(world, store) as oracle:
        oracle.measure(choice)
    with opened(world, store, batch=16) as oracle:
        oracle.measure(choice)
        assert oracle._compiler is not None  # what is known of one sample is not taken for it
        program, _ = oracle._program(space.baseline())
        timer = Timer(program, oracle._settings, world[3])
        assert {len(x) for x in timer._feeds.values()} == {16}
        assert timer.baseline_ms() > 0


@pytest.mark.parametrize("which", ["_timer", "_compiler"])
def test_a_network_is_timed_again_where_a_process_died(world, store, which):
    space = world[2]
    skips = [k for k, option in enumerate(space.options) if option.operator == "skip"]
    choice = space.with_option(space.baseline(), skips[{"_timer": -1, "_compiler": -2}[which]])
    with opened(world, store) as oracle:
        oracle.baseline_ms()
        os.kill(getattr(oracle, which).pid, signal.SIGKILL)
        assert oracle.measure(choice).speed > 0


def test_what_kills_every_process_costs_one_network(world, store, monkeypatch):
    space = world[2]
    choice = space.with_option(space.baseline(), space.index["b2:skip"])
    with opened(world, store) as oracle:
        whole, died = oracle._timed, []

        def timed(*args):
            died.append(oracle.baseline_ms())
            os.kill(oracle._timer.pid, signal.SIGKILL)
            return whole(*args)

        with monkeypatch.context() as patch:
            patch.setattr(oracle, "_timed", timed)
            with pytest.raises(WorkerError, match="killed"):
                oracle.measure(choice)
        assert len(died) == 2
        assert oracle.measure(choice).speed > 0


def test_costs_tell_work_and_size_also_where_the_process_died(world, store):
    with opened(world, store) as oracle:
        oracle.baseline_ms()
        os.kill(oracle._compiler.pid, signal.SIGKILL)
        costs = oracle.costs()
    assert costs["b1:skip"] == (0, 0)
    assert costs["b1:basic(width=0.5)"][0] == pytest.approx(costs["b1:keep"][0] / 2, rel=0.01)


def test_what_a_killed_process_left_is_removed(world, store, tmp_path):
    left = tmp_path / "latency" / "7"
    left.mkdir(parents=True)
    (left / "model.bin").write_bytes(b"0")
    with opened(world, store, folder=tmp_path / "latency") as oracle:
        assert not left.exists()
        oracle.baseline_ms()
        assert list((tmp_path / "latency").iterdir())
    assert not (tmp_path / "latency").exists()
