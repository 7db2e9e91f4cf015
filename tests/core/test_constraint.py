import math

import pytest

from paretune.core import (
    DEFAULT_CONSTRAINT,
    UNLABELLED_CONSTRAINTS,
    InputError,
    parse_constraint,
)


@pytest.mark.parametrize(
    ("text", "metric", "op", "factor", "offset"),
    [
        ("latency <= 5 ms", "latency_p50", "<=", 0, 5),
        ("latency_p95<=5000us", "latency_p95", "<=", 0, 5),
        ("latency_p99 < 0.01 s", "latency_p99", "<", 0, 10),
        ("latency <= 7", "latency_p50", "<=", 0, 7),
        ("size <= 20 MB", "size", "<=", 0, 20),
        ("size <= 500 kb", "size", "<=", 0, 0.5),
        ("memory < 1.5 GB", "memory", "<", 0, 1500),
        ("throughput >= 1e3 per_s", "throughput", ">=", 0, 1000),
        ("cost <= 2.5 usd", "cost", "<=", 0, 2.5),
        ("accuracy >= 0.92", "accuracy", ">=", 0, 0.92),
        ("accuracy > 92 %", "accuracy", ">", 0, 0.92),
        ("accuracy > 92%", "accuracy", ">", 0, 0.92),
        (DEFAULT_CONSTRAINT, "accuracy", ">=", 1, -0.005),
        ("accuracy >= baseline - 1 %", "accuracy", ">=", 1, -0.01),
        ("accuracy >= baseline - 0.005", "accuracy", ">=", 1, -0.005),
        (UNLABELLED_CONSTRAINTS[0], "divergence", "<=", 0, 0.02),
        (UNLABELLED_CONSTRAINTS[1], "accuracy", ">=", 0, 0.9),
        ("latency <= 0.5 * baseline", "latency_p50", "<=", 0.5, 0),
        ("latency <= baseline*0.5", "latency_p50", "<=", 0.5, 0),
        ("latency <= 95 % * baseline", "latency_p50", "<=", 0.95, 0),
        ("latency <= 1.02 * baseline + 1 ms", "latency_p50", "<=", 1.02, 1),
        ("size <= 10 MB + 0.5 * baseline - 1 KB", "size", "<=", 0.5, 9.999),
        ("  latency   <=  baseline ", "latency_p50", "<=", 1, 0),
    ],
)
def test_reads(text, metric, op, factor, offset):
    constraint = parse_constraint(text)
    assert (constraint.text, constraint.metric, constraint.op) == (text, metric, op)
    assert constraint.factor == pytest.approx(factor)
    assert constraint.offset == pytest.approx(offset)
    assert constraint.needs_baseline == (factor != 0)


@pytest.mark.parametrize(
    ("text", "character", "says"),
    [
        ("latncy <= 5 ms", 1, "unknown metric 'latncy', give one of latency, latency_p50"),
        ("", 1, "a metric is missing"),
        ("<= 5 ms", 1, "a metric is missing"),
        ("latency = 5 ms", 9, "'=' was not expected"),
        ("latency 5 ms", 9, "one of <= >= < > must follow"),
        ("latency <=", 11, "the text ends where a number or baseline must be"),
        ("latency <= fast", 12, "'fast' stands where a number"),
        ("latency <= nan", 12, "'nan' stands where a number"),
        ("latency <= inf ms", 12, "'inf' stands where a number"),
        ("latency <= 1e999 ms", 12, "too large"),
        ("latency <= -5 ms", 12, "must be above 0"),
        ("latency <= 0 ms", 12, "must be above 0"),
        ("latency <= -1 * baseline", 12, "must be above 0"),
        ("latency <= 5 MB", 14, "'MB' is no unit of latency_p50, give us, µs, ms, s"),
        ("latency <= baseline - 10 %", 26, "'%' is no unit of latency_p50"),
        ("size <= 5 ms", 11, "'ms' is no unit of size, give KB, MB, GB"),
        ("accuracy >= 92", 13, "write 0.92 or 92 %"),
        ("accuracy >= baseline - 0.5", 24, "write '0.5 pt' for points"),
        ("latency <= 5 ms 6", 17, "'6' was not expected"),
        ("latency <= 5 ms +", 18, "the text ends"),
        ("latency <= 2 * 3", 16, "only be multiplied with baseline"),
        ("latency <= 2 ms * baseline", 14, "has no unit"),
        ("latency <= baseline * baseline", 23, "'baseline' stands where a number"),
        ("latency <= 5 ms; rm", 16, "';' was not expected"),
    ],
)
def test_points_at_what_it_cannot_read(text, character, says):
    with pytest.raises(InputError) as caught:
        parse_constraint(text)
    sentence, shown, caret = str(caught.value).split("\n")
    assert sentence.startswith(f"constraint cannot be read at character {character}: ")
    assert says in sentence
    assert shown == f"  {text}"
    assert caret == "  " + " " * (character - 1) + "^"


def test_bound_and_satisfied():
    constraint = parse_constraint("latency <= 1.02 * baseline + 1 ms")
    assert constraint.bound(10) == pytest.approx(11.2)
    assert constraint.satisfied(11.2, 10)
    assert not constraint.satisfied(11.3, 10)
    with pytest.raises(InputError, match="needs the baseline's latency_p50"):
        constraint.bound(None)


def test_those_on_outputs_guard_what_is_raced():
    texts = ("accuracy >= 0.9", "divergence <= 0.1", "latency <= 5 ms", "size <= 1 MB")
    assert [parse_constraint(text).guards for text in texts] == [True, True, False, False]


def test_equality_survives_rounding():
    guard = parse_constraint(DEFAULT_CONSTRAINT)
    baseline = 0.1 + 0.2
    assert guard.satisfied(0.295, baseline)
    assert not guard.satisfied(0.29, baseline)
    strict = parse_constraint("accuracy > baseline")
    assert not strict.satisfied(0.3, baseline)


@pytest.mark.parametrize("value", [None, math.nan])
def test_what_was_not_measured_is_not_met(value):
    assert not parse_constraint("latency <= 5 ms").satisfied(value, None)
    assert not parse_constraint("accuracy >= 0").satisfied(value, None)
