import math

import pytest

from paretune.core import InputError, Latency, Objective, Score, Variant, VariantRecord, measured

RECORD = VariantRecord.of(
    Variant(architecture="net", runtime="openvino", precision="int8"), "ok"
).model_copy(
    update={
        "latency_ms": Latency(p50=2.0, p95=3.0, p99=4.0, ci95=(1.9, 2.1), n=100),
        "throughput_per_s": 500.0,
        "peak_memory_mb": 120.0,
        "size_mb": 6.0,
        "accuracy": Score(split="search", value=0.9, ci95=(0.85, 0.94), n=400),
    }
)
EMPTY = VariantRecord.of(Variant(architecture="net", runtime="openvino", precision="f32"), "ok")


@pytest.mark.parametrize(
    ("name", "value", "key", "unit"),
    [
        ("latency", 2.0, 2.0, "ms"),
        ("throughput", 500.0, -500.0, "per s"),
        ("size", 6.0, 6.0, "MB"),
        ("memory", 120.0, 120.0, "MB"),
        ("cost", 0.2, 0.2, "USD per million"),
    ],
)
def test_value_and_key(name, value, key, unit):
    # 0.36 USD an hour is 1e-4 a second; 500 inferences in it: 0.2 USD a million.
    objective = Objective.parse(name, price_per_hour=0.36)
    assert objective.value(RECORD) == pytest.approx(value)
    assert objective.key(RECORD) == pytest.approx(key)
    assert objective.unit == unit
    assert objective.label
    assert objective.key(RECORD) < objective.key(EMPTY)


def test_bad_objectives():
    with pytest.raises(InputError, match="unknown objective 'speed': give one of latency, "):
        Objective.parse("speed")
    with pytest.raises(InputError, match="--price-per-hour"):
        Objective.parse("cost")
    for price in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="must be above 0"):
            Objective.parse("cost", price_per_hour=price)


def test_measured():
    names = {"latency": 2.0, "latency_p95": 3.0, "latency_p99": 4.0, "accuracy": 0.9}
    assert {name: measured(RECORD, name) for name in names} == names
    assert measured(RECORD, "cost") is None
    assert measured(EMPTY, "latency") is None
    assert measured(EMPTY, "accuracy") is None
