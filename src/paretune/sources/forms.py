"""Conversions between the forms of a model, each made once in a folder and found there again.

A form lives in a folder of its own that is made beside and renamed into place as a whole, so two
processes may ask at once (the later one finds the name taken and uses what is there) and a killed
one leaves nothing half-written under the final name.
"""

from __future__ import annotations

import inspect
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretune.core import Model, TensorSpec, UnsupportedError
from paretune.sources._imports import first_line
from paretune.sources._quiet import quiet
from paretune.sources._specs import example_tensors
from paretune.sources.pooling import with_global_pooling

if TYPE_CHECKING:
    import openvino as ov
    from torch.export import ExportedProgram

#: Beyond this many bytes protobuf holds no single ONNX file.
_ONNX_LIMIT = 2_000_000_000


def exported_program(model: Model) -> ExportedProgram:
    """The module as a graph, by `torch.export`, with a free batch axis where that works.

    A module that cannot be exported for any batch is exported for one sample; `batch_of` tells.

    Raises:
        UnsupportedError: the model is no module, or cannot be exported.
    """
    import torch

    if model.module is None:
        raise UnsupportedError(
            f"{model.name} came as a file; only a PyTorch module can be exported"
        )
    if isinstance(model.module, torch.export.ExportedProgram):
        return model.module  # its module's code is in another process
    module = with_global_pooling(model.module.eval(), example_tensors(model.inputs, 1, free=1))
    free = [spec.shape[:1] == (None,) for spec in model.inputs]
    if any(free):
        arguments = example_tensors(model.inputs, 2)
        shapes = _dynamic_shapes(module, model.inputs, arguments)
        with quiet():
            try:
                return torch.export.export(module, arguments, dynamic_shapes=shapes)
            except Exception as error:
                logging.getLogger(__name__).info(
                    "%s is exported for one sample: %s", model.name, first_line(error)
                )
    with quiet():
        try:
            return torch.export.export(module, example_tensors(model.inputs, 1, free=1))
        except Exception as error:
            raise UnsupportedError(
                f"torch.export cannot trace {model.name}: {first_line(error)}"
            ) from error


def batch_of(program: ExportedProgram) -> int | None:
    """The batch size an exported program is fixed to, None where it takes any."""
    signature = set(program.graph_signature.user_inputs)
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in signature:
            shape = node.meta["val"].shape
            if len(shape) > 0:
                size = shape[0]
                return size if isinstance(size, int) else size.node.maybe_as_int()
    return None


def exported(model: Model, folder: Path) -> Path:
    """`exported_program` saved: the path of a `.pt2` file under `folder`.

    Raises:
        UnsupportedError: as `exported_program`.
    """

    def write(file: Path) -> None:
        import torch

        program = exported_program(model)
        with quiet():
            torch.export.save(program, file)

    return _once(model, folder, "export", "model.pt2", write)


def as_onnx(model: Model, folder: Path) -> Path:
    """The model as an ONNX file: its own, or exported with the model's input and output names.

    Weights are inside the file below 2 GB and in `model.onnx.data` beside it above.

    Raises:
        UnsupportedError: it has no ONNX form.
    """
    if model.onnx is not None:
        return model.onnx
    if model.module is None:
        raise UnsupportedError(f"{model.name} came as an OpenVINO model, which has no ONNX form")

    def write(file: Path) -> None:
        import torch

        program = exported_program(model)
        with quiet():
            try:
                made = torch.onnx.export(
                    program,
                    input_names=[spec.name for spec in model.inputs],
                    output_names=[spec.name for spec in model.outputs],
                    dynamo=True,
                    verbose=False,
                )
                if made is None:  # only the exporter before dynamo returns nothing
                    raise UnsupportedError(f"the ONNX exporter gave nothing for {model.name}")
                tensors = program.state_dict | program.constants
                size = sum(t.nbytes for t in tensors.values() if isinstance(t, torch.Tensor))
                made.save(file, external_data=size > _ONNX_LIMIT)
            except UnsupportedError:
                raise
            except Exception as error:
                raise UnsupportedError(f"{model.name} has no ONNX form: {_cause(error)}") from error

    return _once(model, folder, "onnx", "model.onnx", write)


def as_openvino(model: Model, folder: Path) -> Path:
    """The model as OpenVINO IR in float32: the path of an `.xml` with its `.bin` beside it.

    A module goes through ONNX, and where that fails straight through OpenVINO's PyTorch front
    end; inputs and outputs have the names and the order of the model's.

    Raises:
        UnsupportedError: OpenVINO cannot convert it.
    """
    own = model.openvino
    if own is not None and own.suffix == ".xml" and _is_named(own, model):
        return own

    def write(file: Path) -> None:
        import openvino as ov

        graph = _openvino_graph(model, folder)
        _name_ports(graph.inputs, model.inputs)
        _name_ports(graph.outputs, model.outputs)
        ov.save_model(graph, file, compress_to_fp16=False)

    return _once(model, folder, "openvino", "model.xml", write)


def _openvino_graph(model: Model, folder: Path) -> ov.Model:
    import openvino as ov

    own = model.openvino or model.onnx
    if own is not None:
        try:
            # An IR is read: `convert_model` takes only other frameworks' files.
            return ov.Core().read_model(own) if own.suffix == ".xml" else ov.convert_model(own)
        except Exception as error:
            raise UnsupportedError(
                f"OpenVINO cannot convert {model.name}: {_cause(error)}"
            ) from error
    try:
        return ov.convert_model(as_onnx(model, folder))
    except Exception as error:  # an operator that ONNX or OpenVINO's reading of it lacks
        through_onnx = _cause(error)
    try:
        with quiet():
            return ov.convert_model(exported_program(model))
    except Exception as error:
        raise UnsupportedError(
            f"OpenVINO cannot convert {model.name}: through ONNX: {through_onnx}; "
            f"directly: {_cause(error)}"
        ) from error


def _is_named(file: Path, model: Model) -> bool:
    import openvino as ov

    graph = ov.Core().read_model(file)
    pairs = [*zip(graph.inputs, model.inputs, strict=True)]
    pairs += zip(graph.outputs, model.outputs, strict=True)
    return all(spec.name in port.get_names() for port, spec in pairs)


def _name_ports(ports: Sequence[Any], specs: Sequence[TensorSpec]) -> None:
    if len(ports) != len(specs):
        raise UnsupportedError(
            f"OpenVINO's conversion has {len(ports)} inputs or outputs where the model has "
            f"{len(specs)}"
        )
    for port, spec in zip(ports, specs, strict=True):
        port.get_tensor().set_names({spec.name})


def _dynamic_shapes(module: Any, specs: Sequence[TensorSpec], arguments: Any) -> Any:
    """Which axes are free, in the structure of `forward`'s signature that torch.export expects."""
    from torch.export import Dim

    # Not Dim.AUTO, which would fix an axis to the example's size without a word.
    axes = [
        {axis: Dim.DYNAMIC for axis, size in enumerate(spec.shape) if size is None}
        for spec in specs
    ]
    bound = inspect.signature(module.forward).bind(*arguments)
    free = iter(axes)
    return tuple(
        tuple(next(free) for _ in value) if isinstance(value, tuple) else next(free)
        for value in bound.arguments.values()
    )


def _once(model: Model, folder: Path, form: str, name: str, write: Callable[[Path], None]) -> Path:
    """`name` in the folder of this form of this model, written by `write` if it is not there."""
    final = folder / f"{form}-{model.digest[:16]}"
    if (final / name).is_file():
        return final / name
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=folder))
    try:
        write(beside / name)
        try:
            os.replace(beside, final)  # noqa: PTH105 - fails, as it should, where `final` is taken
        except OSError:
            if not (final / name).is_file():
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return final / name


def _cause(error: BaseException) -> str:
    """The first line of the innermost error: exporters wrap the reason in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
