"""Weights for the integer programme."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from paretune.search import KEEP
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.accuracy._linear import additive_part

from .conftest import World


def test_an_additive_function_is_found_again(world: World) -> None:
    random = np.random.default_rng(0)
    kept = np.array([option.operator == KEEP for option in world.space.options])
    true = np.where(kept, 0.0, random.normal(size=len(kept)))
    found = additive_part(world.space, lambda x: 7 * (x @ true), lambda x: x @ true + 3, [], seed=0)
    assert found == pytest.approx(true, abs=1e-6)


def test_sums_of_weights_rank_as_the_surrogate_does(world: World) -> None:
    anchors = (world.every[::60], world.drop[::60])
    surrogate = AccuracySurrogate.fit(world.space, anchors=anchors, costs=world.costs)
    mean, sums = surrogate.predict(world.every).mean, world.every @ surrogate.linear()
    assert spearmanr(mean, sums).statistic > 0.97
    good = np.argsort(mean)[: len(mean) // 4]
    slope = np.polyfit(sums[good], mean[good], 1)[0]
    assert slope == pytest.approx(1, abs=0.4)


def test_a_caller_cannot_change_the_surrogate(world: World) -> None:
    surrogate = AccuracySurrogate.fit(world.space, swap_one=world.scores)
    surrogate.linear()[:] = 0
    assert surrogate.linear().any()
