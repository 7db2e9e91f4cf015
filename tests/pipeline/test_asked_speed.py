"""What a search is told to aim at."""

import math

import pytest

from paretune.core import Latency, VariantRecord, parse_constraint
from paretune.pipeline.asked_speed import least_speed, most_ms, quickest_threads


def record(precision, per_s, runtime="openvino", p50=10.0):
    return VariantRecord(
        id=f"{runtime}/{precision}",
        architecture="a",
        runtime=runtime,
        precision=precision,
        threads=1,
        streams=1,
        batch=1,
        status="ok",
        latency_ms=Latency(p50=p50, p95=1.2 * p50, p99=2 * p50, ci95=(p50, p50), n=99),
        throughput_per_s=per_s,
    )


OWN = record("f32", 100.0)
RACED = (OWN, record("int8", 400.0), record("int8", 300.0), record("int8", 500.0, "onnxruntime"))


def asked(text, raced=RACED, price=3.6):
    return least_speed([parse_constraint(text)], OWN, raced, price)


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("throughput >= 800 per_s", 2.0),
        ("throughput > 10 * baseline", 2.5),
        ("cost <= 1 USD", 2.5),  # 3.6 USD an hour, 400 a second: 2.5 USD a million
        ("cost <= 0.125 * baseline", 2.0),  # which is 10 USD
        ("throughput <= 800 per_s", 0.0),
        ("latency <= 1 ms", 0.0),
        ("size <= 1 MB", 0.0),
    ],
)
def test_bounds_are_over_the_own_architecture_in_int8(text, speed):
    assert asked(text) == pytest.approx(speed)


def test_the_hardest_bound_counts():
    texts = ("throughput >= 600 per_s", "throughput >= 900 per_s")
    assert least_speed([parse_constraint(t) for t in texts], OWN, RACED, None) == 2.25


def test_nothing_is_asked_where_the_own_architecture_was_not_raced_in_int8():
    assert asked("throughput >= 800 per_s", RACED[:1]) == 0.0


@pytest.mark.parametrize(
    ("texts", "ms"),
    [
        ((), math.inf),
        (("latency <= 5 ms", "latency_p99 <= 0.1 * baseline"), 2.0),
        (("latency >= 5 ms", "throughput >= 5 per_s"), math.inf),
    ],
)
def test_the_least_bound_on_latency_counts(texts, ms):
    assert most_ms([parse_constraint(t) for t in texts], OWN) == ms


def served(threads, p50, low, high):
    latency = Latency(p50=p50, p95=p50, p99=p50, ci95=(low, high), n=99)
    return record("int8", 1.0).model_copy(update={"threads": threads, "latency_ms": latency})


@pytest.mark.parametrize(
    ("one", "quickest"),
    [
        ((0.5, 0.45, 0.55), 1),
        ((0.9, 0.8, 0.98), 2),  # which may be no difference
        ((2.0, 1.9, 2.1), 2),
    ],
)
def test_networks_are_timed_as_the_own_architecture_is_served_best(one, quickest):
    raced = (OWN, served(2, 1.0, 0.95, 1.05), served(1, *one))
    assert quickest_threads(raced) == quickest
    assert quickest_threads(raced[:1]) is None
