import pytest

from paretune.core import InputError
from paretune.search.library import _budget
from paretune.search.library._budget import Pace, Turns, samples, samples_in, shares
from paretune.search.space import Option


def option(name, first, last, operator="basic"):
    return Option(id=name, first=first, last=last, operator=operator)


OPTIONS = [option("one", 0, 0), option("four", 0, 3), option("gone", 1, 1, "skip")]


def test_longer_runs_are_promised_more_and_the_skipped_nothing():
    assert shares(OPTIONS, 90.0, None) == pytest.approx({"one": 30, "four": 60, "gone": 0})
    assert shares(OPTIONS[2:], 90.0, None) == {"gone": 0.0}


def test_what_each_gets_does_not_depend_on_the_rest():
    assert shares(OPTIONS, 90.0, 5.0) == pytest.approx({"one": 5, "four": 10, "gone": 0})
    assert set(shares(OPTIONS, 90.0, 0.0).values()) == {0.0}


def test_samples_are_bounded_by_what_is_wanted_time_and_room():
    plenty = {"seconds": 1e6, "most": 5000, "disk": 1e12}
    assert samples(10**6, 1000, **plenty) == 5000
    assert samples(10**6, 1000, **plenty | {"disk": 2e6}) == 2000
    assert samples(10**8, 1000, **plenty | {"seconds": 1.0}) == 100
    assert samples(10**10, 1000, **plenty | {"seconds": 1.0}) == 64
    with pytest.raises(InputError, match="need 64 MB and 10 MB may be used"):
        samples(10**6, 10**6, **plenty | {"disk": 1e7})
    assert samples_in(1e9, 10**6, 512) == 512
    assert samples_in(1e8, 10**6, 512) == 100
    assert samples_in(1e6, 10**6, 1) == 1


def test_lost_time_is_shared_by_what_is_left():
    now = [0.0]
    pace = Pace(100.0, deadline=50.0, workers=2, clock=lambda: now[0])
    assert pace.take(40.0) == pytest.approx(40)
    now[0] = 35.0  # 30 process seconds are left for 60 that were promised
    assert pace.take(20.0) == pytest.approx(10)
    now[0] = 60.0
    assert pace.take(40.0) == pytest.approx(4)  # late, but not for nothing


def test_in_turn_all_get_what_they_need_until_the_time_is_up(monkeypatch):
    monkeypatch.setattr(_budget, "FEWEST_CANDIDATES", 4)
    now = [0.0]
    turns = Turns(deadline=50.0, clock=lambda: now[0])
    assert turns.take(40.0) == 40
    now[0] = 40.0
    assert turns.take(20.0) == 10  # what is left
    now[0] = 49.0
    assert turns.take(20.0) == 2  # one of the fewest, and nobody gets less than a tenth
    assert turns.take(0.0) == 0
    assert turns.take(20.0) is None
    assert turns.take(2.0) == 1
    now[0] = 50.0
    assert turns.take(0.0) is None


def test_time_gained_lengthens_nothing():
    pace = Pace(10.0, deadline=100.0, workers=1, clock=lambda: 0.0)
    assert pace.take(10.0) == pytest.approx(10)
