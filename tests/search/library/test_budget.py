import pytest

from paretune.core import InputError
from paretune.search.library._budget import Pace, samples, shares
from paretune.search.space import Option


def option(name, first, last, operator="basic"):
    return Option(id=name, first=first, last=last, operator=operator)


OPTIONS = [option("one", 0, 0), option("four", 0, 3), option("gone", 1, 1, "skip")]


def test_longer_runs_are_promised_more_and_the_skipped_nothing():
    assert shares(OPTIONS, None, 90.0) == pytest.approx({"one": 30, "four": 60, "gone": 0})
    given = shares(OPTIONS, {"four": 1.0, "gone": 2.0}, 80.0)
    assert given == pytest.approx({"one": 20, "four": 20, "gone": 40})
    assert shares(OPTIONS[2:], None, 90.0) == {"gone": 0.0}


def test_samples_are_bounded_by_what_is_wanted_time_and_room():
    plenty = {"seconds": 1e6, "most": 5000, "disk": 1e12}
    assert samples(10**6, 1000, **plenty) == 5000
    assert samples(10**6, 1000, **plenty | {"disk": 2e6}) == 2000
    assert samples(10**8, 1000, **plenty | {"seconds": 20.0}) == 100
    assert samples(10**10, 1000, **plenty | {"seconds": 1.0}) == 64
    with pytest.raises(InputError, match="need 64 MB and 10 MB may be used"):
        samples(10**6, 10**6, **plenty | {"disk": 1e7})


def test_lost_time_is_shared_by_what_is_left():
    now = [0.0]
    pace = Pace(100.0, deadline=50.0, workers=2, clock=lambda: now[0])
    assert pace.take(40.0) == pytest.approx(40)
    now[0] = 35.0  # 30 process seconds are left for 60 that were promised
    assert pace.take(20.0) == pytest.approx(10)
    now[0] = 60.0
    assert pace.take(40.0) == pytest.approx(4)  # late, but not for nothing


def test_time_gained_lengthens_nothing():
    pace = Pace(10.0, deadline=100.0, workers=1, clock=lambda: 0.0)
    assert pace.take(10.0) == pytest.approx(10)
