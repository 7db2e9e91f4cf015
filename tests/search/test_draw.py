"""Architectures drawn evenly over what a search chooses from."""

from __future__ import annotations

import numpy as np

from paretune.search import KEEP, Option, Space
from paretune.search.draw import evenly, leaning
from paretune.search.latency import LatencyModel

BLOCKS = 30


def many(blocks: int = BLOCKS) -> tuple[Space, np.ndarray, LatencyModel]:
    """Every block kept, made faster by half, or merged with its neighbours into one such."""
    options, swap, weights = [], [], []
    for block in range(blocks):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        swap, weights = [*swap, 0.0], [*weights, 1 / blocks]
        for span in range(1, min(4, blocks - block) + 1):
            last = block + span - 1
            options.append(Option(id=f"b{block}-{last}:x", first=block, last=last, operator="x"))
            swap, weights = [*swap, 0.01 * span**2], [*weights, 0.5 / blocks]
    model = LatencyModel(weights=np.array(weights), intercept=0.0, error=0.0, profiled=1.0)
    return Space(blocks=blocks, options=tuple(options)), np.array(swap), model


def test_more_may_be_saved_than_the_baseline_takes() -> None:
    """By a model that is wrong at its fast end, of a network that takes next to nothing there."""
    space, swap, latency = many()
    wrong = LatencyModel(latency.weights * 3, -2.0, error=0.1, profiled=1.0)
    rows = evenly(space, 40, swap, wrong, np.random.default_rng(0))
    assert len(rows) == 40
    assert all(space.valid(row) for row in rows)


def test_times_lie_evenly_from_the_baselines_to_the_fastest() -> None:
    space, swap, latency = many()
    rows = evenly(space, 40, swap, latency, np.random.default_rng(0))
    assert all(space.valid(row) for row in rows)
    assert len(np.unique(rows, axis=0)) == 40
    times = np.log(np.sort(latency.predict(rows)))
    # The fastest of all takes .133 of the baseline's time; by their options alone none is drawn
    # under .2.
    assert np.exp(times[0]) < 0.14
    assert np.exp(times[-1]) > 0.9
    assert np.diff(times).max() < 0.12


def test_the_first_of_them_lie_evenly_too() -> None:
    space, swap, latency = many()
    rows = evenly(space, 100, swap, latency, np.random.default_rng(0))[:16]
    times = latency.predict(rows)
    assert (times < 0.3).sum() >= 3
    assert (times > 0.5).sum() >= 3


def test_of_equally_fast_ones_those_that_lose_less_are_drawn_more() -> None:
    space, swap, latency = many()
    random = np.random.default_rng(0)
    rows, plain = evenly(space, 60, swap, latency, random), space.sample(random, 4000)

    def loss_of_middling(some: np.ndarray) -> float:
        return float((some[np.abs(latency.predict(some) - 0.4) < 0.05] @ swap).mean())

    assert loss_of_middling(rows) < loss_of_middling(plain)


def test_a_small_space_gives_what_it_has() -> None:
    space, swap, latency = many(2)
    assert len(evenly(space, 40, swap, latency, np.random.default_rng(0))) == space.count() == 5


def test_same_seed_same_architectures() -> None:
    space, swap, latency = many()
    one, two = (evenly(space, 20, swap, latency, np.random.default_rng(3)) for _ in range(2))
    assert (one == two).all()


def test_what_loses_nothing_weighs_most() -> None:
    weights = leaning(np.array([0.0, 0.1, 0.2, 50.0]))
    assert weights[0] == 1
    assert (np.diff(weights) < 0).all()
    assert weights[-1] == 1e-3
