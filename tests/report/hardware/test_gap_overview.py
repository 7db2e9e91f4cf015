"""Several models at once: how far CPUs are from a GPU on each."""

from __future__ import annotations

import re

from paretune.report.charts import NARROW, WIDE, gaps_chart, to_svg
from paretune.report.hardware import gap_overview
from paretune.report.hardware.gap import gaps
from tests.report.hardware.test_gap import CPU, GPU, RUN, gpu, rate, svg_width
from tests.report.hardware.test_machines import record, target, timed


def test_several_models_are_told_together() -> None:
    both = gpu(*GPU.variants, timed("other", 2.0, runtime="torch-eager", device="cuda"))
    found = gaps({"cpu": CPU, "run": RUN, "gpu": both})
    assert [one.model for one in found.models] == ["net", "other"]
    assert [one.model for one in found.nearest("one call at a time")] == ["other", "net"]
    said = gap_overview.summary(found)
    assert said[0] == (
        "2 models, one call at a time: a (2 cores, AVX2) is slower than G1 by as it came 40.0x, "
        "compiled 12.0x, quantised 0.500x to 5.00x, searched 2.50x (below 1: faster)."
    )
    assert "Missing: saturated: no GPU was measured so on other." in said
    assert said[-1].startswith("Missing: the accuracy of 3 programs")
    for width in (WIDE, NARROW):
        drawn = gaps_chart(found, width)
        assert drawn is not None
        assert svg_width(to_svg(drawn)) <= width + 10
        told = re.findall(r'aria-label="((?:net|other), [^"]*times slower[^"]*)"', to_svg(drawn))
        assert len(told) == 5 + 1  # one at a time, and saturated
        other = "other, quantised: 0.500 times slower; a (2 cores, AVX2):"
        assert any(one.startswith(other) for one in told)


def test_a_cpu_that_lacks_a_model_is_not_said_to_have_it() -> None:
    both = gpu(*GPU.variants, timed("other", 2.0, runtime="torch-eager", device="cuda"))
    older = record(timed("net", 9.0), cpu="b")
    said = gap_overview.summary(gaps({"cpu": CPU, "old": older, "gpu": both}))
    assert said[0].startswith("2 models, one call at a time: a (2 cores, AVX2)")
    assert said[1].startswith("1 model, one call at a time: b (2 cores, AVX2)")


def test_several_cpus_have_a_row_each() -> None:
    older = CPU.model_copy(update={"target": target("b")})
    found = gaps({"cpu": CPU, "old": older, "gpu": GPU})
    assert [said.partition(" is slower")[0] for said in gap_overview.summary(found)[:2]] == [
        "1 model, one call at a time: a (2 cores, AVX2)",
        "1 model, one call at a time: b (2 cores, AVX2)",
    ]
    made = gap_overview.table(found, "one call at a time")
    assert [str(cell) for cell in made.columns[1].cells] == [
        "a (2 cores, AVX2)",
        "b (2 cores, AVX2)",
    ]
    drawn = gaps_chart(found, WIDE)
    assert drawn is not None
    assert ">b (2 cores, AVX2)<" in to_svg(drawn)


def test_many_models_are_cut_to_the_nearest_and_the_rest_is_counted() -> None:
    count = gap_overview.SHOWN + 3
    cpu = record(*(timed(f"net{n}", 2.0 + n) for n in range(count)))
    one = gpu(*(timed(f"net{n}", 1.0, runtime="torch-eager", device="cuda") for n in range(count)))
    found = gaps({"cpu": cpu, "gpu": one})
    made = gap_overview.table(found, "one call at a time")
    assert made.row_count == gap_overview.SHOWN
    assert str(next(iter(made.columns[0].cells))) == "net0"
    assert made.caption == "3 more: --model NAME, or --json for all"
    drawn = gaps_chart(found, WIDE)
    assert drawn is not None
    assert len(re.findall(r'aria-label="net\d+, quantised', to_svg(drawn))) == gap_overview.SHOWN
    said = gap_overview.summary(found)
    assert f"Missing: the accuracy of {count} programs" in said[-1]
    assert "Missing: saturated: no GPU was measured so." in said


def test_what_is_published_is_marked() -> None:
    table = CPU.model_copy(
        update={"target": target("b"), "origin": "published", "source": "a table"}
    )
    found = gaps({"cpu": CPU, "table": table, "gpu": GPU})
    made = gap_overview.table(found, "one call at a time")
    assert made.caption == "* published, not measured"
    assert [str(cell) for cell in made.columns[2].cells] == ["40.0x", "40.0x*"]
    assert "Published, not measured: b (2 cores, AVX2) (a table)." in gap_overview.summary(found)
    for width in (NARROW, WIDE):
        drawn = gaps_chart(found, width)
        assert drawn is not None
        svg = to_svg(drawn)
        assert svg_width(svg) <= width + 10
        assert "* published, not measured" in svg
    assert ">b (2 cores, AVX2)*<" in svg
    assert ">a (2 cores, AVX2)*<" not in svg


def test_a_cpu_without_a_stage_in_a_regime_is_told_as_missing() -> None:
    streams = rate(timed("net", 5.0, streams=2), 300.0).model_copy(update={"latency_ms": None})
    found = gaps({"cpu": record(streams), "gpu": GPU})
    assert list(found.models[0].bars) == ["saturated"]
    assert found.models[0].bars["saturated"][0].how == "openvino int8, 2 streams"
    assert "Missing: one call at a time: no CPU was measured so." in gap_overview.summary(found)
    assert found.nearest("one call at a time") == []


def test_prices_are_not_passed_over_in_silence() -> None:
    both = gpu(*GPU.variants, timed("other", 2.0, runtime="torch-eager", device="cuda"))
    found = gaps({"cpu": CPU, "gpu": both}, prices={"gpu": 2.5})
    assert gap_overview.summary(found)[-1].startswith("Inferences per dollar: give --model")
