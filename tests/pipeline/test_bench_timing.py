"""How many variants a bench times together."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paretune.core import Gpu, InputError, WorkerError
from paretune.pipeline import bench, bench_timing
from paretune.pipeline.bench_timing import GROUP, group_size, groups
from paretune.pipeline.context import Context
from tests.pipeline.tiny import write_onnx
from tests.report.hardware.test_machines import target


@pytest.mark.parametrize(
    ("device", "memory_mb", "size"),
    [("cpu", 8e4, GROUP), ("cuda", 8e4, 20), ("cuda", 8e3, GROUP)],
)
def test_a_large_gpu_holds_more_of_them(device: str, memory_mb: float, size: int) -> None:
    gpu = Gpu(name="any", memory_mb=memory_mb, capability="9.0")
    known = target("a").model_copy(update={"gpus": (gpu,)})
    context = cast(Context, SimpleNamespace(device=device, target=known))
    assert group_size(context) == size


SHORT = {"precisions": ("f32",), "threads": (2,), "seconds": 0.2, "starts": 1}


@pytest.mark.parametrize(
    ("reference", "made"),
    [
        (None, [["a", "c"], ["b", "d"]]),
        ("a", [["a", "c"], ["a", "b"], ["a", "d"]]),
        ("b", [["b", "d"], ["b", "a"], ["b", "c"]]),
    ],
)
def test_one_stream_and_several_are_timed_apart(reference: str, made: list[list[str]]) -> None:
    assert groups({"a": 1, "b": 2, "c": 1, "d": 2}, reference, 1) == made
    assert groups({"a": 1}, None, 4) == groups({"a": 1}, "a", 4) == [["a"]]


def test_streams_do_not_take_the_latency_of_calls_one_by_one(tmp_path: Path) -> None:
    model = str(write_onnx(tmp_path / "tiny.onnx"))
    found = bench(model, runtimes=("openvino",), streams=(1, 2), **SHORT)
    one, two = found.variants
    assert (one.streams, two.streams) == (1, 2)
    assert one.latency_ms is not None
    assert two.latency_ms is None
    assert two.throughput_per_s is not None


def test_models_that_are_called_alike_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / name / "model.onnx" for name in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        write_onnx(file)
    with pytest.raises(InputError, match=r"a/model\.onnx and .*/b/model\.onnx are both called"):
        bench([str(file) for file in files], **SHORT)


@pytest.mark.parametrize("dying", ["onnxruntime", "openvino"])
def test_a_variant_that_fails_while_it_is_timed_is_recorded(
    dying: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench_timing.compare

    def compare(openers: dict[str, Any], **options: Any) -> Any:
        if any(dying in name for name in openers):
            raise WorkerError("it was killed")
        return real(openers, **options)

    monkeypatch.setattr(bench_timing, "compare", compare)
    model = str(write_onnx(tmp_path / "tiny.onnx"))
    found = bench(model, runtimes=("openvino", "onnxruntime"), baseline="openvino", **SHORT)
    status = {variant.runtime: variant.status for variant in found.variants}
    assert [runtime for runtime, now in status.items() if now == "failed"] == [dying]
    (failed,) = [variant for variant in found.variants if variant.status == "failed"]
    assert failed.reason == "timing it failed: it was killed"


def test_streams_that_fail_leave_what_was_measured_with_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench_timing._open_with

    def opened(entrant: Any, streams: int) -> Any:
        if streams > 1:
            raise WorkerError("it was killed")
        return real(entrant, streams)

    monkeypatch.setattr(bench_timing, "_open_with", opened)
    model = str(write_onnx(tmp_path / "tiny.onnx"))
    found = bench(model, runtimes=("openvino",), saturation=True, **SHORT)
    assert [(v.streams, v.status) for v in found.variants] == [(1, "ok"), (2, "failed")]
