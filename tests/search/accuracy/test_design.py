"""Which architectures are measured."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import KEEP, Option, Space
from paretune.search.accuracy import anchors_design

from .conftest import World


def information(choices: np.ndarray) -> float:
    rows = choices.astype(float)
    return float(np.linalg.slogdet(np.eye(len(rows)) + rows @ rows.T)[1])


def test_a_design_is_different_architectures_that_say_more_than_chance(world: World) -> None:
    found = anchors_design(world.space, 20, np.random.default_rng(0))
    assert found.shape == (20, len(world.space.options))
    assert all(world.space.valid(row) for row in found)
    assert len(np.unique(found, axis=0)) == 20
    random = np.random.default_rng(1)
    by_chance = [information(world.space.sample(random, 20)) for _ in range(50)]
    assert information(found) > max(by_chance)


def test_it_completes_what_is_measured_anyway(world: World) -> None:
    measured = anchors_design(world.space, 8, np.random.default_rng(0), candidates=world.every)
    added = anchors_design(
        world.space, 8, np.random.default_rng(0), candidates=world.every, measured=measured
    )
    alone = anchors_design(world.space, 8, np.random.default_rng(1), candidates=world.every)
    assert len(np.unique(np.concatenate([measured, added]), axis=0)) == 16
    together = information(np.concatenate([measured, added]))
    assert together > information(np.concatenate([measured, alone]))


def test_weights_tilt_it_and_the_same_chance_gives_the_same(world: World) -> None:
    kept = np.array([option.operator == KEEP for option in world.space.options])
    tilt = np.where(kept, 20.0, 1.0)
    first, second = (
        anchors_design(world.space, 6, np.random.default_rng(3), weights=tilt) for _ in range(2)
    )
    assert (first == second).all()
    plain = anchors_design(world.space, 6, np.random.default_rng(3))
    assert first[:, kept].sum() > plain[:, kept].sum()


def test_a_small_space_is_used_up_and_no_more() -> None:
    options = [Option(id=f"k{b}", first=b, last=b, operator=KEEP) for b in range(2)]
    options.append(Option(id="s", first=0, last=0, operator="skip"))
    space = Space(blocks=2, options=tuple(options))
    assert len(anchors_design(space, 2, np.random.default_rng(0))) == 2
    with pytest.raises(InputError, match="only 2 to pick from"):
        anchors_design(space, 3, np.random.default_rng(0))
