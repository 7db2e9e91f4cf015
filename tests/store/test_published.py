"""Published tables of speed as records."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretune.core import InputError
from paretune.report.hardware.machines import machines
from paretune.store import records

HEAD = "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count\n"
CPU = "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"
GPU = "benchmark-infer-amp-nchw-pt291-cu130-rtx4090.csv"


def write(file: Path, *rows: str, head: str = HEAD) -> Path:
    file.write_text(head + "".join(f"{row}\n" for row in rows))
    return file


def test_what_was_measured_on_stands_in_the_name(tmp_path: Path) -> None:
    cpu = records.read(write(tmp_path / CPU, "resnet50,224,67.2,14.865,1,25.56"))
    assert (cpu.origin, cpu.source) == ("published", f"timm, results/{CPU}")
    assert (cpu.target.cpu, cpu.target.versions) == ("i9-10940x", {"torch": "2.4.0"})
    (variant,) = cpu.variants
    assert variant.architecture == "resnet50@224"
    assert (variant.runtime, variant.precision, variant.batch) == ("torch-compile", "f32", 1)
    assert (variant.throughput_per_s, variant.throughput_ci95) == (67.2, None)
    assert variant.latency_ms is None
    gpu = records.read(write(tmp_path / GPU, "resnet50,224,4217.6,242.763,1024,25.56"))
    assert gpu.target.gpus[0].name == "rtx4090"
    (variant,) = gpu.variants
    assert (variant.runtime, variant.precision, variant.recipe) == ("torch-eager", "f16", "amp")
    assert (variant.device, variant.batch) == ("cuda", 1024)


def test_published_orders_are_compared_where_they_differ_by_enough(tmp_path: Path) -> None:
    one = write(tmp_path / CPU, "a,224,100,10,1,1", "b,224,50,20,1,1", "c,224,98,10,1,1")
    name = CPU.replace("i9_10940x", "i7_12700h")
    other = write(tmp_path / name, "a,224,50,20,1,1", "b,224,90,11,1,1", "c,224,51,20,1,1")
    found = machines({"one": records.read(one), "other": records.read(other)})
    assert found.subjects[0].standings[0] is not None
    assert found.subjects[0].standings[0].ci95 is None
    turned = {(turn.first, turn.second) for turn in found.reversals}
    assert turned == {("a@224", "b@224"), ("c@224", "b@224")}


def test_what_is_no_published_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say what was measured"):
        records.read(write(tmp_path / "mine.csv"))
    with pytest.raises(InputError, match="has no column infer_samples_per_sec"):
        records.read(write(tmp_path / CPU, head="model,infer_img_size\n"))
    with pytest.raises(InputError, match="the row of a has no number"):
        records.read(write(tmp_path / CPU, "a,224,fast,1,1,1"))
    with pytest.raises(InputError, match="cannot be read"):
        records.read(tmp_path / GPU)
