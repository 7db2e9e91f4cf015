"""OpenVINO: f32, bf16 where the CPU has it, int8 by NNCF post-training quantisation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from paretune.core import Device, Model, Precision, Target, UnsupportedError
from paretune.core.target import BF16_ISA
from paretune.runtimes import _onednn
from paretune.runtimes._common import (
    attempt,
    check_settings,
    fixed_batch,
    forms_folder,
    need,
)
from paretune.runtimes.base import Feeds, Program, Runtime, Session, Settings

if TYPE_CHECKING:
    import openvino as ov

MAIN_FILE = "model.xml"


class OpenVino(Runtime):
    """OpenVINO on the CPU.

    An int8 program quantises what NNCF knows to be safe and runs the rest in f32: running the
    rest in bf16 made no difference on EfficientNet-Lite0, whose rest is small.
    """

    name: ClassVar[str] = "openvino"
    packages: ClassVar[tuple[str, ...]] = ("openvino", "nncf")
    install: ClassVar[str] = "openvino nncf"

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """F32 and int8 on any CPU, bf16 between them where the CPU has it in hardware."""
        if device != "cpu":
            return ()
        return ("f32", "bf16", "int8") if target.multiplies_bf16 else ("f32", "int8")

    def isa_environment(self, cap: str) -> Mapping[str, str]:
        """Its kernels are oneDNN's and its own, which ask oneDNN what they may use."""
        return _onednn.isa_environment(cap)

    def recipes(self) -> tuple[str, ...]:
        """`fast` and `full` bias correction (NNCF's `fast_bias_correction`)."""
        return ("fast", "full")

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
        """Convert to IR, quantise it for int8, and write it with its weights uncompressed."""
        ov = need("openvino", runtime=self.name, install=self.install)
        if device != "cpu" or precision not in ("f32", "bf16", "int8"):
            raise UnsupportedError(f"openvino has no {precision} on {device}")
        graph = self._read(ov, model)
        shapes = [
            [size.get_length() if size.is_static else None for size in port.get_partial_shape()]
            for port in graph.inputs
            if port.get_partial_shape().rank.is_static
        ]
        isa: tuple[str, ...] = BF16_ISA if precision == "bf16" else ()
        if precision == "int8":
            from paretune.runtimes import _nncf

            recipe = recipe or self.recipes()[0]
            graph, isa = _nncf.quantize(graph, model.inputs, calibration, recipe=recipe)
        with attempt("writing the OpenVINO model"):
            ov.save_model(graph, str(folder / MAIN_FILE), compress_to_fp16=False)
        return Program(
            runtime=self.name,
            precision=precision,
            recipe=recipe,
            folder=folder,
            files=(MAIN_FILE, "model.bin"),
            inputs=model.inputs,
            outputs=model.outputs,
            max_batch=fixed_batch(shapes),
            needs_isa=isa,
        )

    def load(self, program: Program, settings: Settings) -> Session:
        """Compile for the settings' batch, threads and streams."""
        ov = need("openvino", runtime=self.name, install=self.install)
        check_settings(program, settings, device_ok=settings.device == "cpu")
        from paretune.runtimes._openvino_session import OpenVinoSession, input_indices

        with attempt("compiling with OpenVINO"):
            core = ov.Core()
            graph = core.read_model(str(program.folder / program.files[0]))
            shapes = [port.get_partial_shape() for port in graph.inputs]
            if any(shape.is_dynamic for shape in shapes):
                places = input_indices(graph.inputs, [spec.name for spec in program.inputs])
                for spec, place in zip(program.inputs, places, strict=True):
                    _settle(shapes[place], (settings.batch, *spec.shape[1:]))
                graph.reshape(dict(zip(graph.inputs, shapes, strict=True)))
            compiled = core.compile_model(graph, "CPU", properties(program, settings))
        return OpenVinoSession(program, settings, compiled)

    def _read(self, ov: Any, model: Model) -> ov.Model:
        """The model as an OpenVINO graph."""
        from paretune.sources import forms

        if model.openvino is not None and model.openvino.suffix == ".xml":
            path = model.openvino  # read as it is: names and order of inputs are met when fed
        else:
            path = forms.as_openvino(model, forms_folder(model))
        with attempt(f"reading {path.name} with OpenVINO"):
            return ov.Core().read_model(str(path))


def _settle(shape: Any, sizes: Sequence[int | None]) -> None:
    """Give free axes of an OpenVINO shape the sizes that are known: code for any size is slower.

    Args:
        shape: of an input; changed.
        sizes: of every axis, None where it stays free.
    """
    if shape.rank.is_dynamic or len(shape) != len(sizes):
        return
    for axis, size in enumerate(sizes):
        if size is not None and shape[axis].is_dynamic:
            shape[axis] = size


def properties(program: Program, settings: Settings) -> dict[str, str]:
    """OpenVINO's CPU plugin settings for a program.

    Threads are pinned to cores by OpenVINO where the process may use no more CPUs than these, as
    where it is measured; hyper-threading is left to that mask. Elsewhere they are not: OpenVINO
    would choose the same cores in every process, and all that serve beside one another would share
    these.
    """
    narrow = len(os.sched_getaffinity(0)) <= settings.threads
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if program.precision == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY" if settings.streams == 1 else "THROUGHPUT",
        "NUM_STREAMS": str(settings.streams),
        "INFERENCE_NUM_THREADS": str(settings.threads),
        "ENABLE_CPU_PINNING": "YES" if narrow else "NO",
        "PERF_COUNT": "YES" if settings.profile else "NO",
    }
