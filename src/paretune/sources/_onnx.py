"""`FILE.onnx`, with external data beside it where it has any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import InputError, Model, TensorSpec
from paretune.sources._files import existing, model_of_file
from paretune.sources._imports import first_line, need
from paretune.sources._registry import register
from paretune.sources.base import Request, Source

#: Domains of operators that ONNX itself does not define but a runtime here brings along.
_RUNTIME_DOMAINS = ("com.microsoft", "org.openvinotoolkit")


class OnnxSource(Source):
    """Checks the file with ONNX's own checker and reads inputs and outputs from its graph."""

    name: ClassVar[str] = "onnx"
    form: ClassVar[str] = "FILE.onnx"

    def match(self, text: str) -> bool:
        """Whether `text` ends in `.onnx`."""
        return text.lower().endswith(".onnx")

    def load(self, text: str, request: Request) -> Model:
        """Check the file and describe it."""
        path = existing(text, request)
        need("onnx", to=f"model {text}", install="onnx")
        proto = _parse(path, text)
        data = _external_files(proto, path, text)
        _check_operators(proto, text)
        _check(path, text)
        inputs, outputs = _ports(proto, text)
        return model_of_file(
            path,
            name=text,
            source=self.name,
            request=request,
            inputs=inputs,
            outputs=outputs,
            files=(path, *data),
            onnx=True,
        )


def _parse(path: Path, text: str) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load(str(path), load_external_data=False)
    except IsADirectoryError:
        raise InputError(f"{text} is a folder: give the ONNX file in it") from None
    except DecodeError:
        raise InputError(
            f"{text} is not a whole ONNX file (it cannot be decoded): copy or export it again"
        ) from None
    if not proto.graph.node:
        raise InputError(f"{text} is not a whole ONNX file (no graph): copy or export it again")
    return proto


def _check(path: Path, text: str) -> None:
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise InputError(
            f"{text} is not a valid ONNX model: {first_line(error)}; export it again"
        ) from None


def _external_files(proto: Any, path: Path, text: str) -> list[Path]:
    import onnx
    from onnx.external_data_helper import ExternalDataInfo

    ends: dict[Path, int] = {}
    for tensor in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            info = ExternalDataInfo(tensor)
            file = path.parent / info.location
            end = (info.offset or 0) + (info.length or 0)
            ends[file] = max(ends.get(file, 0), end)
    for file, end in ends.items():
        if not file.is_file():
            raise InputError(
                f"{text} keeps weights in {file.name}, which is not beside it: copy both files"
            )
        if file.stat().st_size < end:
            raise InputError(
                f"{text} keeps weights in {file.name}, which is truncated "
                f"({file.stat().st_size} of {end} bytes): copy it again"
            )
    return sorted(ends)


def _tensors(proto: Any) -> Iterator[Any]:
    for graph in _graphs(proto.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    yield from _subgraphs(graph.node)


def _subgraphs(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(inner)


def _check_operators(proto: Any, text: str) -> None:
    """Refuse operators that neither ONNX, nor the file's own functions, nor a runtime define."""
    import onnx

    own = {(function.domain, function.name) for function in proto.functions}
    versions = {_domain(entry.domain): entry.version for entry in proto.opset_import}
    nodes = [node for graph in _graphs(proto.graph) for node in graph.node]
    for function in proto.functions:
        nodes += function.node
        nodes += [node for graph in _subgraphs(function.node) for node in graph.node]
    for node in nodes:
        domain = _domain(node.domain)
        if (node.domain, node.op_type) in own or domain in _RUNTIME_DOMAINS:
            continue
        if domain not in versions:
            fault = f"of domain {node.domain or 'ai.onnx'}, which the file does not import"
        elif onnx.defs.has(node.op_type, versions[domain], domain):
            continue
        elif onnx.defs.has(node.op_type, domain):
            fault = f"does not exist in opset {versions[domain]}"
        else:
            fault = f"of domain {domain or 'ai.onnx'} is known to no runtime here"
        raise InputError(
            f"{text} has the unsupported operator {node.op_type} (node {node.name or '?'}): it "
            f"{fault}; export the model with standard operators only"
        )


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _ports(proto: Any, text: str) -> tuple[list[TensorSpec], list[TensorSpec]]:
    import onnx

    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [_spec(value, text) for value in proto.graph.input if value.name not in weights]
    shapes = [value.type.tensor_type.HasField("shape") for value in proto.graph.output]
    graph = proto.graph if all(shapes) else onnx.shape_inference.infer_shapes(proto).graph
    return inputs, [_spec(value, text) for value in graph.output]


def _spec(value: Any, text: str) -> TensorSpec:
    import onnx

    if not value.type.HasField("tensor_type"):
        raise InputError(
            f"{text} takes or returns {value.name}, which is no tensor: export it with tensors only"
        )
    kind = value.type.tensor_type
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in kind.shape.dim
    )
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    return TensorSpec(name=value.name, shape=shape, dtype=str(dtype))


register(OnnxSource())
