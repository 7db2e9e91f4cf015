"""The ends of a space are timed, not believed."""

import math

import numpy as np
import pytest

from paretune.core import ParetuneError, Silent
from paretune.search import Option, Space
from paretune.search.ends import fastest, timed
from paretune.search.latency import LatencyModel, Reading

SPACE = Space(
    blocks=3,
    options=tuple(
        Option(id=f"b{block}:{name}", first=block, last=block, operator=name)
        for block in range(3)
        for name in ("keep", "skip")
    ),
)
# A network of nothing but skipped blocks is predicted to take a twentieth of the baseline's time.
LATENCY = LatencyModel(weights=np.array([0.32, 0.0] * 3), intercept=0.05, error=0.02, profiled=1.0)


class Oracle:
    """A machine on which no network takes less than a fifth of the baseline's time."""

    space = SPACE

    def __init__(self, *, fails=False):
        self.fails = fails

    def measure(self, choice, *, profile=False):
        if self.fails:
            raise ParetuneError("it cannot be compiled")
        time = max(float(LATENCY.predict(choice)[0]), 0.2)
        return reading(SPACE.chosen(choice), time)


def reading(options, time):
    return Reading(options=tuple(o.id for o in options), speed=1 / time, ci95=(1 / time, 1 / time))


BASELINE = reading(SPACE.chosen(SPACE.baseline()), 1.0)


def test_the_fastest_is_what_the_machine_says_of_the_predicted_one():
    assert fastest(Oracle(), LATENCY, [BASELINE], Silent()) == pytest.approx(0.2)


def test_one_that_was_timed_before_may_be_faster():
    before = reading(SPACE.options[:1], 0.15)
    assert fastest(Oracle(), LATENCY, [BASELINE, before], Silent()) == pytest.approx(0.15)


def test_where_it_cannot_be_timed_the_prediction_counts_and_that_is_told():
    told, said = Silent(), []
    told.note = said.append
    before = reading(SPACE.options[:1], 0.5)
    assert fastest(Oracle(fails=True), LATENCY, [BASELINE, before], told) == pytest.approx(0.05)
    assert timed(Oracle(fails=True), LATENCY, SPACE.baseline(), told) == pytest.approx(1.01)
    assert said == ["a network cannot be timed and is left out: it cannot be compiled"] * 2


def test_any_other_is_timed_too():
    skipped = SPACE.of(["b0:skip", "b1:skip", "b2:keep"])
    found = timed(Oracle(), LATENCY, skipped, Silent())
    assert math.isclose(found, 0.37)
