"""A capped instruction set: kernels keep to it, and who cannot be capped is left out."""

from __future__ import annotations

import sys

import pytest
import torch

from paretune.core import InputError, LayerTime, Variant, VariantRecord
from paretune.engine import LocalEngine, machine
from paretune.pipeline import bench
from paretune.pipeline.caps import capped
from paretune.pipeline.emulation import judged, shares, unverified
from paretune.runtimes.kernels import isa_of
from tests.pipeline.tiny import write_onnx


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The same model as this CPU runs it, and as one with AVX2 would."""
    if "avx512" not in machine.detect().isa:
        pytest.skip("this CPU has nothing beyond AVX2 to switch off")
    model = write_onnx(tmp_path_factory.mktemp("emulation") / "tiny.onnx")
    options = {"threads": (1,), "seconds": 0.2, "starts": 1, "precisions": ("f32",)}
    return tuple(bench(str(model), isa=isa, **options) for isa in ("avx512", "avx2"))


def test_executed_kernels_keep_to_the_cap(records):
    newer, older = (
        {isa_of(k) for name, ks in r.kernels.items() if "openvino" in name for k in ks}
        for r in records
    )
    assert "avx512" in newer
    assert "avx2" in older
    assert not older - {"avx2", None}


def test_a_record_says_that_it_is_emulated(records):
    _, older = records
    assert older.target.isa_cap == "avx2"
    assert older.target.isa == tuple(i for i in machine.detect().isa if i == "avx2")
    assert older.conditions[0].kind == "emulated"
    assert "capped at avx2" in older.conditions[0].text


def test_a_runtime_that_cannot_be_capped_is_left_out_and_said(records):
    _, older = records
    (left_out,) = [v for v in older.variants if v.runtime == "onnxruntime"]
    assert left_out.status == "failed"
    assert "onnxruntime cannot be kept within avx2" in left_out.reason


def test_a_variant_that_ran_much_beyond_the_cap_is_rejected():
    variant = Variant(architecture="x", runtime="openvino", precision="int8")
    record = VariantRecord.of(variant, "ok")
    found = judged(record, {"brgconv_avx512_I8": 0.8, "jit_avx2_FP32": 0.2}, "avx2")
    assert found.status == "rejected"
    assert found.reason == "80.0% of its time in kernels beyond avx2, such as brgconv_avx512_I8"
    little = judged(record, {"jit_avx2_I8": 0.95, "jit_avx512_f32": 0.05}, "avx2")
    assert little.status == "ok"
    assert little.reason == "5.0% of its time in kernels beyond avx2, such as jit_avx512_f32"
    assert judged(record, {"jit_avx2_FP32": 1.0}, "avx2") is record


def test_who_does_not_tell_its_kernels_is_not_verified():
    assert unverified([], "avx2") == []
    (condition,) = unverified(["torch-compile", "torch-eager"], "avx2")
    assert condition.kind == "emulated"
    assert condition.text.startswith("asked to keep to avx2, torch-compile, torch-eager did not")


def test_the_record_says_whose_cap_is_not_verified(tmp_path):
    """PyTorch's kernels are named after operators; OpenVINO's tell their instructions."""
    made = bench(
        torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.Flatten()).eval(),
        input_shape=(3, 8, 8),
        runtimes=("torch-eager", "openvino"), precisions=("f32",), threads=(1,), seconds=0.2,
        starts=1, isa="avx2",
    )  # fmt: skip
    (told,) = [c.text for c in made.conditions if "not verified" in c.text]
    assert told.startswith("asked to keep to avx2, torch-eager did not tell")


def test_streams_of_a_program_are_judged_by_its_kernels(tmp_path, monkeypatch):
    module = sys.modules["paretune.pipeline.bench"]
    beyond = {"brgconv_avx512_I8": 1.0}
    monkeypatch.setattr(module, "kernels", lambda ready, _: dict.fromkeys(ready.ready, beyond))
    made = bench(
        str(write_onnx(tmp_path / "tiny.onnx")), runtimes=("openvino",), precisions=("f32",),
        threads=(2,), seconds=0.2, saturation=True, isa="avx2",
    )  # fmt: skip
    assert {(v.streams, v.status) for v in made.variants} == {(1, "rejected"), (2, "rejected")}


def test_shares_are_of_the_whole_time():
    layers = [
        LayerTime(name=str(i), op="x", kernel=kernel, microseconds=us)
        for i, (kernel, us) in enumerate([("a", 1.0), ("b", 6.0), ("a", 2.0), ("", 1.0)])
    ]
    assert shares(layers) == pytest.approx({"b": 0.6, "a": 0.3})
    assert shares([]) == {}


def test_only_processes_within_have_the_variables():
    with capped(LocalEngine(), "avx2").actor("tests.pipeline.test_emulation:Variables") as actor:
        assert actor.call("get", "ONEDNN_MAX_CPU_ISA") == "AVX2"
    with capped(LocalEngine(), None).actor("tests.pipeline.test_emulation:Variables") as actor:
        assert actor.call("get", "ONEDNN_MAX_CPU_ISA") is None


class Variables:
    """Tells the environment of its process."""

    def get(self, name):
        import os

        return os.environ.get(name)


def test_a_cap_that_this_cpu_lacks_is_refused(tmp_path, monkeypatch):
    whole = machine.detect()
    less = whole.model_copy(update={"isa": ("avx2",)})
    monkeypatch.setattr(machine, "detect", lambda cap=None: less)
    model = write_onnx(tmp_path / "tiny.onnx")
    with pytest.raises(InputError, match=r"this CPU has no amx.*give one of avx2"):
        bench(str(model), isa="amx")
    with pytest.raises(InputError, match="no ISA cap is called 'mmx'"):
        bench(str(model), isa="mmx")
