"""How far CPUs are from a GPU, stage by stage."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from paretune.core import BenchRecord, Gpu, InputError, Score, VariantRecord
from paretune.report.charts import NARROW, WIDE, gap_chart, to_svg
from paretune.report.hardware import gap_table
from paretune.report.hardware.gap import Gap, gaps
from tests.report.hardware.test_machines import record, target, timed


def rate(variant: VariantRecord, per_s: float) -> VariantRecord:
    ci95 = (per_s * 0.98, per_s * 1.02)
    return variant.model_copy(update={"throughput_per_s": per_s, "throughput_ci95": ci95})


def gpu(*variants: VariantRecord) -> BenchRecord:
    known = target("host").model_copy(
        update={"gpus": (Gpu(name="G1", memory_mb=8e4, capability="9.0"),)}
    )
    return BenchRecord(target=known, variants=variants)


def gap(records: dict[str, BenchRecord], **asked: Any) -> Gap:
    """Of the only model there is."""
    (found,) = gaps(records, **asked).models
    return found


CPU = record(
    timed("net", 40.0, runtime="torch-eager", precision="f32"),
    timed("net", 35.0, runtime="torch-eager", precision="bf16"),
    timed("net", 20.0, runtime="onnxruntime", precision="f32"),
    timed("net", 12.0, precision="f32"),
    rate(timed("net", 5.0, half=0.03), 200.0),
    timed("other", 1.0),
)
RUN = record(timed("net+s1", 3.0), timed("net+s2", 2.5), timed("net", 5.2))
GPU = gpu(
    timed("net", 4.0, runtime="torch-eager", precision="f32", device="cuda"),
    timed("net", 1.0, half=0.04, runtime="torch-compile", precision="f16", device="cuda"),
    rate(timed("net", 9.0, runtime="torch-eager", device="cuda", precision="f16", batch=64), 8e3),
)


def test_every_stage_against_the_gpu_at_its_best() -> None:
    found = gap({"cpu": CPU, "run": RUN, "gpu": GPU})
    assert found.model == "net"
    bars = found.bars["one call at a time"]
    assert [(bar.stage, bar.record, bar.behind) for bar in bars] == [
        ("as it came", "cpu", 40.0),
        ("compiled", "cpu", 12.0),
        ("quantised", "cpu", 5.0),
        ("searched", "run", 2.5),
        ("as it came", "gpu", 4.0),
        ("at its best", "gpu", 1.0),
    ]
    assert bars[2].variant == "net/openvino/int8/t2s1b1"
    assert bars[-1].behind_ci95 is None
    low, high = bars[2].behind_ci95 or (0, 0)
    assert low == pytest.approx(5 * 0.9513, abs=1e-3)  # .03 and .04 add up to .05
    assert high == pytest.approx(5 * 1.0513, abs=1e-3)
    saturated = found.bars["saturated"]
    assert [(bar.stage, bar.behind) for bar in saturated] == [
        ("quantised", 40.0),
        ("at its best", 1.0),
    ]
    assert saturated[1].how == "torch-eager f16, batch 64"


def test_a_price_gives_inferences_for_a_dollar() -> None:
    found = gap({"cpu": CPU, "gpu": GPU}, prices={"cpu": 0.5, "gpu": 4.0})
    cpu, best = found.bars["saturated"]
    assert cpu.per_dollar == pytest.approx(200 * 3600 / 0.5)
    assert best.per_dollar == pytest.approx(8000 * 3600 / 4)
    for price, said in ((0.0, "above 0"), (float("nan"), "above 0")):
        with pytest.raises(InputError, match=said):
            gap({"cpu": CPU, "gpu": GPU}, prices={"gpu": price})
    with pytest.raises(InputError, match="no record tpu"):
        gap({"cpu": CPU, "gpu": GPU}, prices={"tpu": 1.0})


def test_what_lacks_a_side_or_a_model_is_refused() -> None:
    with pytest.raises(InputError, match="none of the records is of a GPU"):
        gap({"cpu": CPU})
    with pytest.raises(InputError, match="none of the records is of a CPU"):
        gap({"gpu": GPU})
    with pytest.raises(InputError, match="no record of a GPU has a model 'other'"):
        gap({"cpu": CPU, "gpu": GPU}, model="other")
    other = gpu(timed("elsewhere", 1.0, runtime="torch-eager", precision="f32", device="cuda"))
    with pytest.raises(InputError, match="no model was measured on both"):
        gap({"cpu": CPU, "gpu": other})


def test_a_published_gpu_is_named_as_such_and_has_no_interval_of_its_own() -> None:
    plain = timed("net@224", 0.0, runtime="torch-eager", device="cuda", batch=1024)
    plain = plain.model_copy(update={"latency_ms": None, "throughput_per_s": 4e3})
    published = gpu(plain).model_copy(update={"origin": "published", "source": "a table"})
    found = gap({"cpu": CPU, "table": published}, model="net")
    assert list(found.bars) == ["saturated"]
    assert found.missing[0] == "one call at a time: no GPU was measured so"
    assert found.bars["saturated"][1].ci95 is None
    said = gap_table.summary(found)
    assert "Published, not measured: G1 (a table)." in said
    assert said[0].startswith(
        "net@224, saturated: a (2 cores, AVX2) is slower than G1 by quantised 20.00x ("
    )


def svg_width(svg: str) -> float:
    found = re.search(r'width="([\d.]+)"', svg)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_chart_fits_and_tells_every_stage(width: int) -> None:
    drawn = gap_chart(gap({"cpu": CPU, "run": RUN, "gpu": GPU}), width)
    assert drawn is not None
    svg = to_svg(drawn)
    assert svg_width(svg) <= width + 10
    words = [part.text or "" for part in ET.fromstring(svg).iter() if part.text]
    for word in ("as it came", "searched", "GPU, at its best", "2.50x"):
        assert word in words


def test_what_was_timed_without_being_scored_is_told() -> None:
    score = Score(split="search", value=0.9, ci95=(0.88, 0.92), n=500)
    scored = timed("net", 5.0).model_copy(update={"accuracy": score})
    plain, came = timed("net", 12.0, precision="f32"), timed("net+s1", 0.5)
    found = gap({"cpu": record(scored, plain, came), "gpu": GPU})
    bars = {bar.stage: bar for bar in found.bars["one call at a time"] if bar.device == "cpu"}
    assert [stage for stage, bar in bars.items() if bar.unscored] == ["searched"]
    said = gap_table.summary(found)
    assert "searched 0.50x (0.48 to 0.52) (below 1: faster)." in said[0]
    assert "Missing: the accuracy of net+s1/openvino/int8: that record is of speed alone." in said
    drawn = gap_chart(found, WIDE)
    assert drawn is not None
    assert to_svg(drawn).count("accuracy not measured") >= 1


def test_cpus_that_call_themselves_alike_are_told_apart() -> None:
    """As virtual machines of two generations do."""
    newer = target("AMD EPYC").model_copy(update={"isa": ("avx2", "avx512", "avx512_vnni")})
    records = {
        "old": record(timed("net", 12.0), cpu="AMD EPYC"),
        "new": BenchRecord(target=newer, variants=(timed("net", 4.0),)),
        "gpu": GPU,
    }
    bars = gap(records).bars["one call at a time"]
    assert [(bar.machine, bar.value) for bar in bars if bar.device == "cpu"] == [
        ("AMD EPYC (2 cores, AVX2)", 12.0),
        ("AMD EPYC (2 cores, AVX-512 VNNI)", 4.0),
    ]
    records["new"] = BenchRecord(target=newer, variants=(timed("net", 0.5),))
    old, new = gap_table.summary(gap(records))[:2]
    assert ("faster" in old, "faster" in new) == (False, True)


def sized(made: BenchRecord, **sizes: int) -> BenchRecord:
    """A record that knows its images' sizes."""
    shapes = {name.replace("_s1", "+s1"): (3, size, size) for name, size in sizes.items()}
    return made.model_copy(update={"inputs": shapes})


@pytest.mark.parametrize("run", [RUN, sized(RUN, net=64)], ids=["without", "with"])
def test_a_run_joins_what_a_bench_measured_at_a_known_size(run: BenchRecord) -> None:
    if run.inputs:
        run = sized(run, net=64, net_s1=64).model_copy(update={"variants": run.variants[:1]})
    found = gap({"cpu": sized(CPU, net=64), "run": run, "gpu": sized(GPU, net=64)})
    assert found.model == "net@64"
    stages = [(b.stage, b.record) for b in found.bars["one call at a time"]]
    assert ("searched", "run") in stages


def test_networks_for_images_of_other_sizes_are_other_networks() -> None:
    cpus, gpus = {"cpu": sized(CPU, net=64)}, {"gpu": sized(GPU, net=96)}
    with pytest.raises(InputError, match=r"'net' of one size .* CPU has net@64, GPUs net@96"):
        gap(cpus | gpus, model="net")
    both = {"more": sized(GPU, net=64), "small": sized(record(timed("net", 3.0)), net=96)}
    with pytest.raises(InputError, match="several sizes: give net@64 or net@96"):
        gap(cpus | gpus | both, model="net")
    found = gap(cpus | gpus | both, model="net@64")
    assert {bar.record for bar in found.bars["one call at a time"]} == {"cpu", "more"}


def test_a_gpu_that_gets_one_sample_at_a_time_is_not_saturated() -> None:
    one = rate(timed("net", 1.0, device="cuda", precision="f16"), 1000.0)
    found = gap({"cpu": CPU, "gpu": gpu(one)})
    assert list(found.bars) == ["one call at a time"]
    assert found.missing == ("saturated: no GPU was measured so",)
    doubled = one.model_copy(update={"latency_ms": None})
    assert list(gap({"cpu": CPU, "gpu": gpu(doubled)}).bars) == ["saturated"]


def test_a_price_is_of_the_machine_and_all_its_records() -> None:
    found = gap({"cpu": CPU, "run": RUN, "gpu": GPU}, prices={"cpu": 0.5, "gpu": 4.0})
    bars = {bar.record: bar for bar in found.bars["one call at a time"] if bar.device == "cpu"}
    assert bars["run"].per_dollar == pytest.approx(1000 / 2.5 * 3600 / 0.5)
    with pytest.raises(InputError, match=r"--price run=0\.7: a .* has another price already"):
        gap({"cpu": CPU, "run": RUN, "gpu": GPU}, prices={"cpu": 0.5, "run": 0.7})


def test_an_image_that_is_no_square_is_no_older_record() -> None:
    wide = CPU.model_copy(update={"inputs": {"net": (3, 240, 320)}})
    with pytest.raises(InputError, match="no model was measured on both"):
        gap({"cpu": wide, "gpu": sized(GPU, net=64)})
