"""From predictions to a few architectures: spread over speed, and within a bound on it."""

from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import Silent
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.choosing import FEWEST_PICKS, LEAST_SPEED, pick
from paretune.search.latency import Reading
from tests.search.test_draw import many


def picked(**options):
    """Picks of a space whose fastest architecture is 7.5 times as fast as the baseline."""
    space, swap, latency = many(12)

    def measure(row):
        speed = float(1 / latency.predict(row)[0])
        ids = tuple(option.id for option in space.chosen(row))
        return Reading(options=ids, speed=speed, ci95=(speed, speed))

    surrogate = AccuracySurrogate.fit(space, swap_one=swap)
    oracle = SimpleNamespace(measure=measure)
    return [p.speed for p in pick(space, latency, surrogate, oracle, Silent(), 0.0, **options)]


def test_they_are_spread_over_speed():
    speeds = picked()
    assert 3 < len(speeds) <= FEWEST_PICKS
    assert speeds == sorted(speeds)
    assert LEAST_SPEED < speeds[0] < 2
    assert speeds[-1] > 5


def test_all_are_as_fast_as_they_must_be():
    speeds = picked(least=3.0)
    assert len(speeds) > 1
    assert min(speeds) >= 3.0


def test_where_none_is_the_fastest_comes_nearest():
    (speed,) = picked(least=50.0)
    assert speed == pytest.approx(max(picked()), rel=0.05)
    assert np.isfinite(speed)
