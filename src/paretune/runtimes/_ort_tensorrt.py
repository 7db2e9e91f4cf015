"""TensorRT, by ONNX Runtime's provider, in tf32 and f16."""

from __future__ import annotations

from typing import ClassVar

from paretune.core import Device, Precision, Target
from paretune.runtimes._common import need
from paretune.runtimes._ort_cuda import CUDA, OnnxRuntimeCuda, Provider
from paretune.runtimes.base import Program, Session, Settings

TENSORRT = "TensorrtExecutionProvider"


class OnnxRuntimeTensorrt(OnnxRuntimeCuda):
    """ONNX Runtime's TensorRT provider; what TensorRT cannot run, the CUDA provider does.

    It offers no f32: TensorRT computes in tf32 and the provider has no option against it.
    """

    name: ClassVar[str] = "onnxruntime-tensorrt"
    packages: ClassVar[tuple[str, ...]] = ("tensorrt", "onnxruntime-gpu", "onnx")
    install: ClassVar[str] = "tensorrt onnxruntime-gpu onnx"

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """Tf32 and f16 on CUDA."""
        return ("tf32", "f16") if device == "cuda" and target.gpus else ()

    def providers(self, program: Program) -> tuple[Provider, ...]:
        """TensorRT before CUDA."""
        f16 = "1" if program.precision == "f16" else "0"
        return ((TENSORRT, {"trt_fp16_enable": f16}), (CUDA, {"use_tf32": "1"}))

    def load(self, program: Program, settings: Settings) -> Session:
        """Build the engine for the settings' batch at the first call, which takes minutes."""
        need("tensorrt", runtime=self.name, install=self.install)  # loads its libraries
        return super().load(program, settings)
