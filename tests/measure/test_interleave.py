import numpy as np
import pytest

from paretune.measure import LATENCY, THROUGHPUT, run_rounds, summarise
from paretune.measure.interleave import MIN_ROUNDS
from tests.measure.fakes import FakeSubject, Time


def ratio_of(subjects, **options):
    return run_rounds(subjects, seconds=0, **options).ratio("a", "b")


def test_a_linear_drift_cancels():
    time = Time()
    # Each call costs 1 ms, 2 % more with every burst: over 8 rounds the machine slows by half.
    drift = 0.02 / LATENCY.burst
    a = FakeSubject(time, lambda now: 1e-3 * np.exp(drift * now))
    b = FakeSubject(time, lambda now: 0.5e-3 * np.exp(drift * now))
    ratio = ratio_of({"a": a, "b": b})
    assert ratio.value == pytest.approx(2.0, rel=1e-4)
    assert ratio.ci95 == pytest.approx((2.0, 2.0), rel=1e-4)


def test_the_drift_would_not_cancel_in_an_order_that_does_not_turn_round():
    time = Time()
    drift = 0.02 / LATENCY.burst
    a = FakeSubject(time, lambda now: 1e-3 * np.exp(drift * now))
    b = FakeSubject(time, lambda now: 0.5e-3 * np.exp(drift * now))
    logs = [
        np.log(np.median(a.call("burst", 0.01)) / np.median(b.call("burst", 0.01)))
        for _ in range(MIN_ROUNDS)
    ]
    assert np.exp(np.mean(logs)) < 1.97


def test_a_step_in_speed_spoils_one_round_only():
    time = Time()
    step = 4 * 4 * LATENCY.burst + 1.5 * LATENCY.burst  # inside the fifth round of four bursts
    a = FakeSubject(time, lambda now: 1e-3 * (3 if now > step else 1))
    b = FakeSubject(time, lambda now: 2e-3 * (3 if now > step else 1))
    rounds = run_rounds({"a": a, "b": b}, seconds=0)
    logs = np.asarray(rounds.logs["a"]) - np.asarray(rounds.logs["b"])
    assert np.sum(np.abs(logs - np.log(0.5)) > 1e-6) == 1
    assert rounds.ratio("a", "b").value == pytest.approx(0.5, rel=1e-6)


def test_subjects_take_turns_forwards_backwards_and_from_another_start():
    time, order = Time(), []

    class Watched(FakeSubject):
        def call(self, method, /, *args, **kwargs):
            if method == "burst":
                order.append(self.name)
            return super().call(method, *args, **kwargs)

    subjects = {}
    for name in "abc":
        subjects[name] = Watched(time, 1e-3)
        subjects[name].name = name
    run_rounds(subjects, seconds=0, min_rounds=3)
    assert "".join(order) == "abccba" + "bcaacb" + "cabbac"


def test_no_fewer_rounds_than_the_least_and_no_new_one_after_the_time():
    time = Time()
    subjects = {"a": FakeSubject(time, 1e-3), "b": FakeSubject(time, 1e-3)}
    assert len(run_rounds(subjects, seconds=0).logs["a"]) == MIN_ROUNDS
    began = time.now
    rounds = run_rounds(subjects, seconds=1.0, clock=lambda: time.now)
    assert 1.0 <= time.now - began < 1.0 + 4 * LATENCY.burst + 1e-9
    assert len(rounds.logs["a"]) == 25


def test_rounds_end_early_when_enough_is_known():
    time = Time()
    subjects = {"a": FakeSubject(time, 1e-3), "b": FakeSubject(time, 1e-3)}
    rounds = run_rounds(
        subjects,
        seconds=100,
        clock=lambda: time.now,
        enough=lambda found: len(found.logs["a"]) >= 10,
    )
    assert len(rounds.logs["a"]) == 10


def test_rounds_go_on_from_earlier_ones_without_one_that_left():
    time = Time()
    subjects = {name: FakeSubject(time, cost) for name, cost in (("a", 1e-3), ("b", 2e-3))}
    rounds = run_rounds(subjects, seconds=0)
    del subjects["b"]
    run_rounds(subjects, seconds=0, rounds=rounds)
    assert len(rounds.logs["a"]) == 2 * len(rounds.logs["b"])
    assert rounds.ratio("a", "b").value == pytest.approx(0.5)


def test_noise_is_what_repeated_bursts_disagree_by():
    time = Time()
    quiet = run_rounds({"a": FakeSubject(time, 1e-3)}, seconds=0)
    loud = run_rounds({"a": FakeSubject(time, 1e-3, noise=0.1)}, seconds=0, min_rounds=200)
    assert quiet.noise == 0
    # Two log normals of 0.1 differ by 0.1 * sqrt(2) * 0.6745 in the median.
    assert loud.noise == pytest.approx(0.095, rel=0.25)


def test_throughput_is_samples_of_all_streams_a_second():
    time = Time()
    a = FakeSubject(time, 1e-3, streams=2)
    b = FakeSubject(time, 1e-3, streams=2, per_call=4)
    rounds = run_rounds({"a": a, "b": b}, seconds=0, probe=THROUGHPUT)
    assert rounds.throughput("a").value == pytest.approx(2000)
    assert rounds.ratio("a", "b").value == pytest.approx(4.0)
    assert rounds.calls["a"][0].size == 200
    assert rounds.latency("b").p50 == pytest.approx(1.0)  # of a call, under load


def test_a_summary_is_of_all_calls_and_its_interval_of_whole_bursts():
    fast, slow = np.full(90, 1_000_000), np.full(10, 5_000_000)
    latency = summarise([fast, slow])
    assert (latency.p50, latency.p95, latency.n) == (1.0, 5.0, 100)
    assert latency.ci95[0] <= latency.p50 <= latency.ci95[1]
    assert latency.ci95[1] > 1.0  # a slow burst might as well have been half of all
