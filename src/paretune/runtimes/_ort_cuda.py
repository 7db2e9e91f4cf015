"""ONNX Runtime on an NVIDIA GPU: its CUDA provider in f32, tf32 and f16."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from paretune.core import Device, Model, Precision, Target, UnsupportedError
from paretune.runtimes._common import attempt, check_settings, checked_feeds, need
from paretune.runtimes._onnxruntime import read, written
from paretune.runtimes.base import Array, Feeds, Program, Runtime, Session, Settings

#: A provider of ONNX Runtime with its options.
Provider = tuple[str, dict[str, str]]
CUDA = "CUDAExecutionProvider"


class OnnxRuntimeCuda(Runtime):
    """ONNX Runtime's CUDA provider.

    It offers no bf16, for whose convolutions the provider has no kernels. What it cannot run on
    the GPU it runs on the CPU; where that is everything, loading is refused.
    """

    name: ClassVar[str] = "onnxruntime-cuda"
    packages: ClassVar[tuple[str, ...]] = ("onnxruntime-gpu", "onnx")
    install: ClassVar[str] = "onnxruntime-gpu onnx"

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """F32, tf32 and f16 on CUDA."""
        return ("f32", "tf32", "f16") if device == "cuda" and target.gpus else ()

    def recipes(self) -> tuple[str, ...]:
        """None: int8 is for CPUs."""
        return ()

    def providers(self, program: Program) -> tuple[Provider, ...]:
        """Who runs a program, whoever must run most of it first."""
        tf32 = "1" if program.precision == "tf32" else "0"
        return ((CUDA, {"use_tf32": tf32, "cudnn_conv_algo_search": "EXHAUSTIVE"}),)

    def prepare(
        self,
        model: Model,
        precision: Precision,
        folder: Path,
        *,
        recipe: str = "",
        calibration: Sequence[Feeds] = (),
        device: Device = "cpu",
    ) -> Program:
        """Write the model as ONNX, for f16 with weights and activations converted."""
        need("onnxruntime", runtime=self.name, install=self.install)
        if device != "cuda" or precision not in ("f32", "tf32", "f16"):
            raise UnsupportedError(f"{self.name} has no {precision} on {device}")
        graph = read(self, model)
        if precision == "f16":
            graph = as_f16(graph)
        return written(self, model, precision, graph, folder)

    def load(self, program: Program, settings: Settings) -> Session:
        """Open a session on the GPU.

        Raises:
            UnsupportedError: no GPU, or ONNX Runtime lacks a library that the provider needs.
        """
        ort = need("onnxruntime", runtime=self.name, install=self.install)
        wanted = self.providers(program)
        able = settings.device == "cuda" and wanted[0][0] in ort.get_available_providers()
        check_settings(program, settings, device_ok=able)
        with attempt("loading with ONNX Runtime"):
            return OrtCudaSession(program, settings, wanted)


class OrtCudaSession(Session):
    """A session whose bound calls read from and write to the GPU's memory."""

    def __init__(self, program: Program, settings: Settings, providers: Sequence[Provider]) -> None:
        import onnxruntime as ort

        self._program = program
        self._settings = settings
        ort.preload_dlls()  # CUDA's and cuDNN's libraries from their pip packages
        options = ort.SessionOptions()
        options.log_severity_level = 4  # what fails is told below
        path = program.folder / program.files[0]
        self._session = ort.InferenceSession(str(path), options, providers=list(providers))
        if providers[0][0] not in self._session.get_providers():
            raise UnsupportedError(
                f"ONNX Runtime could not load its {providers[0][0]}, most often because CUDA, "
                "cuDNN or TensorRT is absent or of another version"
            )

    def run(self, feeds: Feeds, stream: int = 0) -> list[Array]:
        """Outputs in order, in memory of their own."""
        found = self._session.run(None, checked_feeds(self._program, self._settings, feeds))
        return [np.asarray(array) for array in found]

    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """A run on inputs that lie on the GPU already; its result stays there, and is ready."""
        import onnxruntime as ort

        binding = self._session.io_binding()
        for name, array in checked_feeds(self._program, self._settings, feeds).items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array, "cuda", 0))
        for output in self._session.get_outputs():
            binding.bind_output(output.name, "cuda")
        return functools.partial(self._session.run_with_iobinding, binding)

    def close(self) -> None:
        """Drop the session."""
        del self._session


def as_f16(graph: Any) -> Any:
    """An ONNX graph with weights and activations in f16; inputs and outputs stay as they were."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with attempt("converting to f16"):
        return convert_float_to_float16(graph, keep_io_types=True)
