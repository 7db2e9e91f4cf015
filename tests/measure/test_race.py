import numpy as np
import pytest

from paretune.core import Estimate, Latency
from paretune.measure import Standing, final, screen, survivors
from paretune.measure.race import MAX_FINALISTS
from tests.measure.fakes import FakeSubject, Time


def standing(value, low, high, *, rate=None):
    speed = Estimate(value=value, ci95=(low, high))
    rate = speed if rate is None else Estimate(value=rate, ci95=(0.99 * rate, 1.01 * rate))
    latency = Latency(p50=1.0, p95=1.0, p99=1.0, ci95=(1.0, 1.0), n=9)
    return Standing(latency=latency, throughput=rate, speed=speed, noise=0.0)


def test_survivors_are_those_the_leader_does_not_surely_beat():
    found = survivors(
        {
            "hopeless": standing(1.0, 0.9, 1.1),
            "leader": standing(3.0, 2.5, 3.5),
            "close": standing(2.0, 1.4, 2.6),
            "touching": standing(2.4, 2.3, 2.5),
        }
    )
    assert found == ["leader", "touching", "close"]


def test_who_raced_a_disturbed_reference_puts_nobody_out_who_ran_faster():
    found = survivors(
        {
            "slow": standing(1.0, 0.99, 1.01, rate=3000),
            "beside a disturbed reference": standing(2.2, 2.1, 2.3, rate=3400),
            "fastest": standing(1.15, 1.1, 1.2, rate=3900),
        }
    )
    assert set(found) == {"beside a disturbed reference", "fastest"}


def test_no_more_survive_than_can_be_timed_together():
    many = {str(i): standing(2.0 + i / 100, 1.0, 4.0) for i in range(20)}
    assert survivors(many) == [str(i) for i in range(19, 19 - MAX_FINALISTS, -1)]


def test_nobody_survives_of_nobody():
    assert survivors({}) == []


def test_screening_tells_speed_latency_throughput_and_memory_and_closes_the_subject():
    time = Time()
    reference, subject = FakeSubject(time, 2e-3), FakeSubject(time, 0.5e-3, memory=70.0)
    found = screen(reference, lambda: subject, seconds=0)
    assert found.speed.value == pytest.approx(4.0)
    assert found.latency.p50 == pytest.approx(0.5)
    assert found.throughput.value == pytest.approx(2000)
    assert found.peak_memory_mb == 70.0
    assert (subject.closed, reference.closed) == (1, 0)


def test_a_subject_that_dies_while_it_is_screened_is_closed():
    class Dying(FakeSubject):
        def call(self, method, /, *args, **kwargs):
            raise RuntimeError("gone")

    subject = Dying(Time(), 1e-3)
    with pytest.raises(RuntimeError, match="gone"):
        screen(FakeSubject(Time(), 1e-3), lambda: subject, seconds=0)
    assert subject.closed == 1


def race(costs, *, seconds=1000.0, noise=0.01):
    time = Time()
    subjects = {
        name: FakeSubject(time, cost, noise=noise, seed=i)
        for i, (name, cost) in enumerate(costs.items())
    }
    openers = {name: (lambda subject=subject: subject) for name, subject in subjects.items()}
    return final(openers, seconds=seconds, clock=lambda: time.now), subjects, time


def test_the_fastest_wins_though_another_was_guessed():
    outcome, subjects, _ = race({"guess": 1.3e-3, "best": 1.0e-3, "third": 1.1e-3})
    assert outcome.winner == "best"
    assert outcome.standings["guess"].speed.value == pytest.approx(1 / 1.3, rel=0.02)
    assert outcome.standings["best"].speed.value == 1.0
    assert all(subject.closed for subject in subjects.values())


def test_the_hopeless_leave_early_and_the_close_ones_get_more():
    _, subjects, _ = race({"best": 1.0e-3, "close": 1.005e-3, "hopeless": 3e-3}, noise=0.03)
    bursts = {name: s.asked.count("burst") for name, s in subjects.items()}
    assert bursts["hopeless"] < bursts["close"]


def test_a_tie_ends_the_race_before_its_time():
    outcome, _, time = race({"one": 1.0e-3, "two": 1.0e-3}, noise=0.001)
    assert outcome.winner in ("one", "two")
    assert time.now < 10


def test_what_cannot_be_decided_ends_with_the_time():
    _, subjects, time = race({"one": 1.0e-3, "two": 1.0e-3}, noise=0.5, seconds=5)
    assert 5 < time.now < 6
    assert all(subject.closed == 1 for subject in subjects.values())


def test_a_finalist_alone_wins():
    outcome, _, _ = race({"only": 1e-3})
    assert outcome.winner == "only"
    assert np.isfinite(outcome.standings["only"].latency.p50)
