"""ONNX Runtime's GPU providers, as far as a machine without a GPU shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from paretune import runtimes
from paretune.core import MissingPackageError, UnsupportedError
from paretune.runtimes import Settings
from paretune.runtimes._ort_cuda import OnnxRuntimeCuda
from paretune.runtimes._ort_tensorrt import OnnxRuntimeTensorrt
from tests.runtimes import models

ON_GPU = Settings(batch=3, device="cuda")


@pytest.mark.parametrize("model", [models.conv_model(), models.two_input_model()])
def test_an_f16_graph_computes_in_f16_and_keeps_its_inputs_and_outputs(model, tmp_path: Path):
    program = OnnxRuntimeCuda().prepare(model, "f16", tmp_path, device="cuda")
    session = onnxruntime.InferenceSession(
        str(tmp_path / program.files[0]), providers=["CPUExecutionProvider"]
    )
    plain = tmp_path / "f32"
    plain.mkdir()
    f32 = runtimes.get("onnxruntime")
    feeds = models.feeds_of(model, 3)
    want = f32.load(f32.prepare(model, "f32", plain), Settings(batch=3)).run(feeds)
    for output, found in zip(want, session.run(None, feeds), strict=True):
        assert found.dtype == np.float32
        error = np.abs(found - output).max() / np.abs(output).max()
        assert 0 < error < 1e-2  # f32 would agree to the last digits


def test_only_the_precision_asked_for_may_round(tmp_path: Path):
    program = OnnxRuntimeCuda().prepare(models.conv_model(), "f32", tmp_path, device="cuda")
    allowed = {
        precision: OnnxRuntimeCuda().providers(program.model_copy(update={"precision": precision}))
        for precision in ("f32", "tf32")
    }
    assert {key: found[0][1]["use_tf32"] for key, found in allowed.items()} == {
        "f32": "0",
        "tf32": "1",
    }
    first, second = OnnxRuntimeTensorrt().providers(program)
    assert (first[0], second[0]) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="ONNX Runtime has CUDA"
)
def test_without_the_provider_it_is_refused(tmp_path: Path):
    program = OnnxRuntimeCuda().prepare(models.conv_model(), "f32", tmp_path, device="cuda")
    with pytest.raises(UnsupportedError, match="onnxruntime-cuda does not run on cuda here"):
        OnnxRuntimeCuda().load(program, ON_GPU)


@pytest.mark.skipif(bool(runtimes.available()["onnxruntime-tensorrt"]), reason="TensorRT is here")
def test_without_tensorrt_it_says_what_to_install(tmp_path: Path):
    program = OnnxRuntimeTensorrt().prepare(models.conv_model(), "f16", tmp_path, device="cuda")
    with pytest.raises(MissingPackageError, match="onnxruntime-tensorrt needs tensorrt"):
        OnnxRuntimeTensorrt().load(program, ON_GPU)
