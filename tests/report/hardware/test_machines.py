"""Records of several machines side by side."""

from __future__ import annotations

import io

import pytest

from paretune.core import BenchRecord, InputError, Latency, Target, Variant, VariantRecord
from paretune.report.hardware import machine_tables
from paretune.report.hardware.machines import machines


def target(cpu: str, cap: str | None = None) -> Target:
    return Target(
        cpu=cpu, isa=("avx2",), physical_cores=2, logical_cores=2, memory_mb=1e4, os="x",
        isa_cap=cap,
    )  # fmt: skip


def timed(name: str, ms: float, half: float = 0.01, **fields: object) -> VariantRecord:
    variant = Variant.model_validate(
        {"architecture": name, "runtime": "openvino", "precision": "int8", "threads": 2} | fields
    )
    ci95 = (ms * (1 - half), ms * (1 + half))
    latency = Latency(p50=ms, p95=ms, p99=ms, ci95=ci95, n=9)
    return VariantRecord.of(variant, "ok").model_copy(update={"latency_ms": latency})


def record(*variants: VariantRecord, cpu: str = "a", cap: str | None = None) -> BenchRecord:
    return BenchRecord(target=target(cpu, cap), variants=variants)


def test_an_order_that_turns_round_is_told_and_marked() -> None:
    found = machines(
        {
            "new": record(timed("x", 2.0), timed("y", 3.0), timed("z", 9.0)),
            "old": record(timed("x", 8.0), timed("y", 5.0), timed("z", 20.0), cpu="b", cap="avx2"),
        }
    )
    assert found.by == "model"
    assert [(s.name, [p.rank for p in s.standings if p]) for s in found.subjects] == [
        ("x", [1, 2]),
        ("y", [2, 1]),
        ("z", [3, 3]),
    ]
    (turn,) = found.reversals
    assert (turn.first, turn.second, turn.here, turn.there) == ("x", "y", 0, 1)
    assert turn.factors == pytest.approx((1.5, 1.6))
    said = machine_tables.summary(found)
    assert said[0] == "1 pair of models changes places:"
    assert "x is 1.50x as fast as y on new; on old, y is, 1.60x." in said[1]
    assert (
        machine_tables.legend(found)[1]
        == "old: b (2 cores, capped at avx2, emulated), openvino int8"
    )


def test_what_the_intervals_leave_open_is_no_reversal() -> None:
    found = machines(
        {
            "new": record(timed("x", 2.0, half=0.3), timed("y", 2.5, half=0.3)),
            "old": record(timed("x", 8.0), timed("y", 5.0)),
        }
    )
    assert found.reversals == ()
    assert machine_tables.summary(found) == ["No two models change places beyond their intervals."]


def test_of_several_threads_and_runtimes_the_fastest_counts() -> None:
    slow = timed("x", 4.0, threads=1)
    other = timed("x", 3.0, runtime="onnxruntime")
    found = machines({"a": record(slow, timed("x", 2.0), other), "b": record(timed("x", 5.0))})
    assert found.by == "variant"
    assert [s.name for s in found.subjects] == ["x openvino int8", "x onnxruntime int8"]
    assert [p.ms if p else None for p in found.subjects[0].standings] == [2.0, 5.0]
    assert found.subjects[1].standings[1] is None
    (model,) = machines(
        {"a": record(slow, timed("x", 2.0), other), "b": record(timed("x", 5.0))}, by="model"
    ).subjects
    assert [p.ms for p in model.standings if p] == [2.0, 5.0]


def test_unlike_precisions_and_batches_are_refused_or_left_out_and_said() -> None:
    whole = record(timed("x", 2.0), timed("x", 6.0, precision="f32"))
    found = machines({"a": whole, "b": record(timed("x", 5.0))})
    assert found.left_out == ("precision f32 of a: another machine has none",)
    assert machine_tables.summary(found)[-1].startswith("Not compared: precision f32 of a")
    with pytest.raises(InputError, match=r"no precision in common.*a has int8; b has f32"):
        machines({"a": record(timed("x", 2.0)), "b": record(timed("x", 5.0, precision="f32"))})
    with pytest.raises(InputError, match=r"no batch in common.*a has 1; b has 8"):
        machines({"a": record(timed("x", 2.0)), "b": record(timed("x", 5.0, batch=8))})
    with pytest.raises(InputError, match="b holds nothing in f32"):
        machines({"a": whole, "b": record(timed("x", 5.0))}, precision="f32")


def test_one_record_or_an_empty_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least two"):
        machines({"a": record(timed("x", 2.0))})
    with pytest.raises(InputError, match="b holds no variant that was timed"):
        machines({"a": record(timed("x", 2.0)), "b": record()})


def test_batches_are_compared_apart() -> None:
    both = (timed("x", 2.0), timed("x", 9.0, batch=8))
    found = machines({"a": record(*both), "b": record(*both)})
    assert [s.name for s in found.subjects] == [
        "x openvino int8 batch 1",
        "x openvino int8 batch 8",
    ]


def test_a_batch_never_changes_places_with_another() -> None:
    here = [timed(n, ms, batch=b) for n, ms, b in (("x", 2.0, 1), ("y", 3.0, 1), ("x", 9.0, 8))]
    there = [timed(n, ms, batch=b) for n, ms, b in (("x", 5.0, 1), ("y", 4.0, 1), ("x", 3.0, 8))]
    found = machines({"a": record(*here), "b": record(*there)})
    assert [(turn.first, turn.second) for turn in found.reversals] == [("x batch 1", "y batch 1")]
    ranks = {s.name: tuple(one.rank for one in s.standings if one) for s in found.subjects}
    assert ranks == {"x batch 1": (1, 2), "y batch 1": (2, 1), "x batch 8": (1, 1)}


def test_many_machines_fit_a_page() -> None:
    from rich.console import Console

    several = {f"machine-{i}": record(timed("x", 2.0 + i), timed("y", 3.0)) for i in range(5)}
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(machine_tables.machines(machines(several)))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 100
    assert "2.00 (1*)" in text
    assert "6.00 (2*)" in text
