"""ONNX Runtime: f32, and int8 by its static quantisation to QDQ form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import Device, Model, Precision, Target, UnsupportedError
from paretune.runtimes._common import (
    ONE_FILE_LIMIT,
    attempt,
    check_settings,
    fixed_batch,
    forms_folder,
    need,
    onnx_bytes,
)
from paretune.runtimes.base import Feeds, Program, Runtime, Session, Settings

MAIN_FILE = "model.onnx"
WEIGHTS_FILE = "model.onnx.data"


class OnnxRuntime(Runtime):
    """ONNX Runtime's CPU provider.

    It offers no bf16: the provider has no bf16 kernels for convolutions or matrix products.
    """

    name: ClassVar[str] = "onnxruntime"
    packages: ClassVar[tuple[str, ...]] = ("onnxruntime", "onnx")
    install: ClassVar[str] = "onnxruntime onnx"

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """F32 and int8 on any CPU."""
        return ("f32", "int8") if device == "cpu" else ()

    def recipes(self) -> tuple[str, ...]:
        """Activation ranges from extremes, or from percentiles, which cut outliers off."""
        return ("minmax", "percentile")

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
        """Write the model as ONNX, quantised for int8."""
        need("onnxruntime", runtime=self.name, install=self.install)
        if device != "cpu" or precision not in ("f32", "int8"):
            raise UnsupportedError(f"onnxruntime has no {precision} on {device}")
        if precision == "f32":
            return written(self, model, precision, read(self, model), folder)
        from paretune.runtimes import _ort_quantize
        from paretune.sources import forms

        source, recipe = forms.as_onnx(model, forms_folder(model)), recipe or self.recipes()[0]
        graph, isa = _ort_quantize.quantize(source, model.inputs, calibration, recipe=recipe)
        program = written(self, model, precision, graph, folder)
        return program.model_copy(update={"recipe": recipe, "needs_isa": isa})

    def load(self, program: Program, settings: Settings) -> Session:
        """Open a session whose calls use all threads between them."""
        need("onnxruntime", runtime=self.name, install=self.install)
        check_settings(program, settings, device_ok=settings.device == "cpu")
        from paretune.runtimes._ort_session import OrtSession

        with attempt("loading with ONNX Runtime"):
            return OrtSession(program, settings)


def read(runtime: Runtime, model: Model) -> Any:
    """A model as an ONNX graph.

    Raises:
        UnsupportedError: it cannot be converted; one sentence says why.
    """
    onnx = need("onnx", runtime=runtime.name, install=runtime.install)
    from paretune.sources import forms

    source = forms.as_onnx(model, forms_folder(model))
    with attempt(f"reading {source.name}"):
        return onnx.load(str(source))


def written(
    runtime: Runtime, model: Model, precision: Precision, graph: Any, folder: Path
) -> Program:
    """Write an ONNX graph of `model` into `folder`, as a program of `runtime`."""
    onnx = need("onnx", runtime=runtime.name, install=runtime.install)
    with attempt("writing the ONNX model"):
        files = _save(onnx, graph, folder)
    return Program(
        runtime=runtime.name,
        precision=precision,
        folder=folder,
        files=files,
        inputs=model.inputs,
        outputs=model.outputs,
        max_batch=fixed_batch(_shapes(graph)),
    )


def _save(onnx: Any, graph: Any, folder: Path) -> tuple[str, ...]:
    """Write a model into `folder`, its weights beside it only where one file cannot hold them."""
    path = folder / MAIN_FILE
    if onnx_bytes(graph) < ONE_FILE_LIMIT:
        onnx.save(graph, str(path))
        return (MAIN_FILE,)
    onnx.save(graph, str(path), save_as_external_data=True, location=WEIGHTS_FILE)
    return (MAIN_FILE, WEIGHTS_FILE)


def _shapes(graph: Any) -> list[tuple[int | None, ...]]:
    """Shapes of an ONNX model's inputs, weights listed as inputs left out."""
    weights = {weight.name for weight in graph.graph.initializer}
    return [
        tuple(
            # Some write a free axis as -1, which ONNX Runtime takes for free, too.
            axis.dim_value if axis.HasField("dim_value") and axis.dim_value >= 0 else None
            for axis in value.type.tensor_type.shape.dim
        )
        for value in graph.graph.input
        if value.name not in weights
    ]
