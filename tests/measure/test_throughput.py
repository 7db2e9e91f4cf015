import pytest

from paretune.measure import saturate
from tests.measure.fakes import FakeSubject, Time


def machine(rates):
    """An opener of subjects whose throughput at each size is given, and what it opened."""
    time, opened = Time(), []

    def opener(size):
        opened.append(FakeSubject(time, 1 / rates[size]))
        return opened[-1]

    return opener, opened


def sizes(rates, **options):
    opener, opened = machine(rates)
    found = list(saturate(opener, seconds=0, **options))
    assert all(subject.closed == 1 for subject in opened)
    return found


def test_streams_double_until_more_of_them_buy_nothing():
    found = sizes({1: 100, 2: 190, 4: 260, 8: 262, 16: 500}, limit=16)
    assert [(size, best) for size, _, best in found] == [
        (1, True),
        (2, True),
        (4, True),
        (8, False),
    ]
    assert found[2][1].value == pytest.approx(260)


def test_a_size_is_compared_with_the_best_before_it():
    found = sizes({1: 100, 2: 60, 4: 300}, limit=4)
    assert [(size, best) for size, _, best in found] == [(1, True), (2, False)]
    assert found[1][1].value == pytest.approx(60)


def test_the_limit_ends_growth():
    assert [size for size, _, _ in sizes({1: 100, 2: 200, 4: 400}, limit=3)] == [1, 2]
    assert [size for size, _, _ in sizes({4: 100}, limit=4, start=4)] == [4]


def test_whoever_stops_listening_leaves_nothing_open():
    opener, opened = machine({1: 100, 2: 200, 4: 400})
    for size, _, _ in saturate(opener, limit=4, seconds=0):
        if size == 2:
            break
    assert all(subject.closed for subject in opened)


def test_a_size_that_fails_leaves_nothing_open():
    opener, opened = machine({1: 100})
    with pytest.raises(KeyError):
        list(saturate(opener, limit=2, seconds=0))
    assert all(subject.closed for subject in opened)
