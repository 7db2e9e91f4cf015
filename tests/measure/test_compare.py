from threading import Barrier

import numpy as np
import pytest

from paretune.core import UnsupportedError
from paretune.measure import compare
from tests.measure.fakes import FakeSubject, Time


def opener(time, opened, cost, *, spread=0.0, seed=0, memory=()):
    """Opens a subject whose speed depends on how it happened to start."""
    random = np.random.default_rng(seed)
    memories = iter(memory)

    def open_():
        luck = np.exp(spread * random.standard_normal())
        opened.append(FakeSubject(time, cost * luck, memory=next(memories, 50.0)))
        return opened[-1]

    return open_


def test_every_start_opens_every_subject_afresh_and_closes_it():
    time, opened = Time(), []
    found = compare(
        {"a": opener(time, opened, 2e-3), "b": opener(time, opened, 1e-3)}, seconds=0, starts=3
    )
    assert len(opened) == 6
    assert all(subject.closed == 1 for subject in opened)
    assert found.ratio("a", "b").value == pytest.approx(2.0)
    assert found.latency("a").p50 == pytest.approx(2.0)
    assert found.throughput("b").value == pytest.approx(1000)


def test_samples_of_a_batch_are_counted_one_by_one():
    time, opened = Time(), []

    def eight():
        opened.append(FakeSubject(time, 4e-3, per_call=8))
        return opened[-1]

    found = compare({"one": opener(time, opened, 1e-3), "eight": eight}, seconds=0, starts=1)
    assert found.throughput("eight").value == pytest.approx(2000)
    assert found.latency("eight").p50 == pytest.approx(4.0)
    assert found.ratio("one", "eight").value == pytest.approx(2.0)


def test_luck_at_the_start_is_in_the_interval_and_told_as_drift():
    time, opened = Time(), []
    found = compare(
        {
            "a": opener(time, opened, 1e-3, spread=0.02),
            "b": opener(time, opened, 1e-3, spread=0.02, seed=1),
        },
        seconds=0,
    )
    low, high = found.ratio("a", "b").ci95
    assert high - low > 0.01
    assert found.noise == 0
    assert 0.01 < found.drift < 0.2


def test_memory_is_the_highest_of_the_starts():
    time, opened = Time(), []
    found = compare(
        {"a": opener(time, opened, 1e-3, memory=(40.0, 90.0, 60.0))}, seconds=0, starts=3
    )
    assert found.peak_memory_mb == {"a": 90.0}


def test_subjects_opened_together_are_all_closed_when_one_fails():
    time, opened = Time(), []

    def failing():
        raise UnsupportedError("no such device")

    openers = {"a": opener(time, opened, 1e-3), "b": failing, "c": opener(time, opened, 1e-3)}
    with pytest.raises(UnsupportedError, match="no such device"):
        compare(openers, seconds=0, starts=1, together=2)
    assert [subject.closed for subject in opened] == [1, 1]


def test_subjects_opened_together_are_compared_as_others_are():
    time, opened, waiting = Time(), [], Barrier(2, timeout=30)

    def both(cost):
        def open_():
            waiting.wait()  # passes only where the other is being opened, too
            return opener(time, opened, cost)()

        return open_

    found = compare({"a": both(2e-3), "b": both(1e-3)}, seconds=0, starts=2, together=2)
    assert found.ratio("a", "b").value == pytest.approx(2.0)
    assert [subject.closed for subject in opened] == [1] * 4
