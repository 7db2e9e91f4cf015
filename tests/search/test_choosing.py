"""From predictions to a few architectures: spread over speed, and within a bound on it."""

from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import Silent, UnsupportedError
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.choosing import FEWEST_PICKS, LEAST_SPEED, MOST_PICKS, most_picks, pick
from paretune.search.latency import Reading
from tests.search.test_draw import many


def picked(seconds=60.0, fails=None, **options):
    """Picks of a space whose fastest architecture is 7.5 times as fast as the baseline."""
    space, swap, latency = many(12)

    def measure(row):
        if fails is not None:
            raise fails
        speed = float(1 / latency.predict(row)[0])
        ids = tuple(option.id for option in space.chosen(row))
        return Reading(options=ids, speed=speed, ci95=(speed, speed))

    surrogate = AccuracySurrogate.fit(space, swap_one=swap)
    oracle = SimpleNamespace(measure=measure)
    return [p.speed for p in pick(space, latency, surrogate, oracle, Silent(), seconds, **options)]


def test_they_are_spread_over_speed():
    speeds = picked()
    assert 3 < len(speeds) <= MOST_PICKS
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


def test_where_time_is_up_a_few_are_spread_as_well():
    speeds = picked(seconds=0.0)
    assert 1 < len(speeds) <= FEWEST_PICKS < len(picked())
    assert speeds[-1] > 2 * speeds[0]


def test_where_none_can_be_timed_that_is_said():
    with pytest.raises(UnsupportedError, match="no room"):
        picked(fails=UnsupportedError("no room"))


@pytest.mark.parametrize(
    ("seconds", "look", "n"),
    [
        (3600.0, 1.0, 10),
        (1600.0, 1.0, 8),
        (60.0, 0.1, 6),
        (1400.0, 100.0, 4),  # two rungs: looks at four and at two
        (1400.0, 600.0, 1),
        (0.0, 1.0, 1),
    ],
)
def test_as_many_are_trained_as_there_is_time_to_train_and_to_score(seconds, look, n):
    assert most_picks(seconds, look) == n
