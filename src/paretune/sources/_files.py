"""What the sources of graph files share: existence, and inputs as the caller overrides them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretune.core import InputError, Model, TensorSpec
from paretune.sources._digest import digest_of_files
from paretune.sources._module import checked_labels, task_of
from paretune.sources._prepare import preprocessing_of
from paretune.sources.base import Request


def existing(text: str, request: Request) -> Path:
    """The absolute path of a model file that exists.

    Raises:
        InputError: it does not exist, is empty, or weights are given for it.
    """
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise InputError(f"model file {text} does not exist: check the path")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"model file {text} is empty: copy or export it again")
    if request.weights is not None:
        raise InputError(f"model file {text} has its weights inside: leave weights out")
    return path


def overridden(inputs: Sequence[TensorSpec], request: Request, name: str) -> tuple[TensorSpec, ...]:
    """Inputs with the free axes filled in from the request's shapes.

    Raises:
        InputError: a shape contradicts the file.
    """
    given = request.input_shape
    if given is None:
        return tuple(inputs)
    specs = tuple(given)
    sizes = tuple(size for size in specs if isinstance(size, int))
    if specs and len(sizes) == len(specs):
        if len(inputs) != 1:
            raise InputError(
                f"model {name} has {len(inputs)} inputs: give a TensorSpec for each, not one shape"
            )
        own = inputs[0]
        named = {own.name: (*own.shape[:1], *sizes)}
    else:
        named = {spec.name: spec.shape for spec in specs if isinstance(spec, TensorSpec)}
    result = []
    for spec in inputs:
        shape = named.get(spec.name, spec.shape)
        pairs = list(zip(spec.shape, shape, strict=False))
        if len(shape) != len(spec.shape) or any(a is not None and a != b for a, b in pairs):
            raise InputError(
                f"input_shape {list(shape)} contradicts input {spec.name} of {name}, which is "
                f"{list(spec.shape)}: leave it out"
            )
        result.append(spec.model_copy(update={"shape": tuple(shape)}))
    return tuple(result)


def model_of_file(
    path: Path,
    *,
    name: str,
    source: str,
    request: Request,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    files: Sequence[Path],
    onnx: bool = False,
) -> Model:
    """A model around a graph file.

    Args:
        path: what runtimes open.
        name: the MODEL text.
        source: name of the source.
        request: what the caller says.
        inputs: as the file has them.
        outputs: as the file has them.
        files: every file that holds a part of it, for the digest.
        onnx: whether it is ONNX; OpenVINO's otherwise.
    """
    specs = overridden(inputs, request, name)
    task = request.task or task_of(outputs)
    return Model(
        name=name,
        source=source,
        inputs=specs,
        outputs=tuple(outputs),
        task=task,
        digest=digest_of_files(files, specs),
        preprocessing=preprocessing_of(request.preprocessing, specs),
        labels=checked_labels(request.labels, outputs, task),
        onnx=path if onnx else None,
        openvino=None if onnx else path,
    )
