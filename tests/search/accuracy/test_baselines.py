"""The regressions that the surrogate is compared with."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.search.accuracy import additive_baseline, flops_baseline

from .conftest import World


def test_a_cost_is_fitted_and_left_out_as_by_hand(world: World) -> None:
    choices, values = world.every[:20], world.drop[:20]
    found = flops_baseline(choices, values, world.costs)
    total = choices @ world.costs
    slope, constant = np.polyfit(total, values, 1)
    assert found.predict(choices) == pytest.approx(slope * total + constant)
    slope, constant = np.polyfit(total[1:], values[1:], 1)
    assert found.left_out[0] == pytest.approx(slope * total[0] + constant)


def test_a_cost_that_never_differs_predicts_the_mean(world: World) -> None:
    found = flops_baseline(world.every[:20], world.drop[:20], np.zeros(len(world.costs)))
    assert found.predict(world.every[:3]) == pytest.approx([world.drop[:20].mean()] * 3)


def test_weights_that_add_up_are_found(world: World) -> None:
    random = np.random.default_rng(0)
    true = world.every @ random.normal(size=len(world.costs))
    found = additive_baseline(world.every[:200], true[:200])
    assert np.corrcoef(found.predict(world.every), true)[0, 1] > 0.999
    assert np.abs(found.predict(world.every) - true).mean() < 0.1 * true.std()
    assert np.corrcoef(found.left_out, true[:200])[0, 1] > 0.999
