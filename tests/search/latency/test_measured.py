"""Many measurements: what fails is left out, and a few are taken however long it lasts."""

import numpy as np
import pytest

from paretune.core import InputError, ParetuneError, Silent
from paretune.search import Option, Space
from paretune.search.latency import Reading, least_seconds, measured, time_networks

SPACE = Space(
    blocks=6,
    options=tuple(
        Option(id=f"b{block}:{name}", first=block, last=block, operator=name)
        for block in range(6)
        for name in ("keep", "skip", "basic")
    ),
)


class Oracle:
    """Remembers what it was asked; refuses some of it."""

    space = SPACE

    def __init__(self, *refused):
        self.refused, self.asked = refused, []

    def measure(self, choice, *, profile=False):
        self.asked.append(SPACE.name(choice))
        if len(self.asked) in self.refused:
            raise ParetuneError("it cannot be compiled")
        options = tuple(option.id for option in SPACE.chosen(choice))
        return Reading(options=options, speed=1.0, ci95=(0.9, 1.1))


def test_what_fails_is_left_out_with_its_reason():
    said, oracle = [], Oracle(2)
    told = Silent()
    told.note = said.append
    found = measured(oracle, SPACE.sample(np.random.default_rng(0), 4), told)
    assert [SPACE.name(SPACE.of(r.options)) for r in found] == [
        name for place, name in enumerate(oracle.asked) if place != 1
    ]
    assert said == ["a network cannot be timed and is left out: it cannot be compiled"]


@pytest.mark.parametrize(("fewest", "taken"), [(0, 0), (3, 3)])
def test_after_the_time_only_the_fewest_are_taken(fewest, taken):
    rows = SPACE.sample(np.random.default_rng(0), 5)
    assert len(measured(Oracle(), rows, Silent(), seconds=-1.0, fewest=fewest)) == taken


def test_after_the_time_no_more_are_tried_than_twice_the_fewest():
    rows, oracle = SPACE.sample(np.random.default_rng(0), 20), Oracle(*range(1, 21))
    assert measured(oracle, rows, Silent(), seconds=-1.0, fewest=3) == []
    assert len(oracle.asked) == 6


def test_fewer_networks_of_one_seed_are_the_beginning_of_more():
    short, long = Oracle(), Oracle()
    time_networks(short, Silent(), seed=3, most=4, seconds=60.0)
    time_networks(long, Silent(), seed=3, most=9, seconds=60.0)
    assert short.asked[0] == "baseline"
    assert len(short.asked) == 5
    assert long.asked[:5] == short.asked


def test_why_too_few_could_be_measured_is_told():
    with pytest.raises(
        InputError, match=r"2 networks could be timed, .* needs 4: it cannot be compiled"
    ):
        time_networks(Oracle(*range(3, 30)), Silent(), seed=0, most=9, seconds=60.0)


def test_the_fewest_networks_take_as_long_as_their_calls():
    # Four rounds, two bursts of four calls each, of a network and of the baseline.
    assert least_seconds(500.0) == 7 * 2 * 32 * 0.5


def test_a_baseline_that_cannot_be_measured_is_an_error():
    with pytest.raises(ParetuneError, match="cannot be compiled"):
        time_networks(Oracle(1), Silent(), seed=0, most=4, seconds=60.0)
