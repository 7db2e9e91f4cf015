"""From a `torch.nn.Module` to a `Model`: the part that every PyTorch source shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from paretune.core import (
    InputError,
    Model,
    Preprocessing,
    Task,
    TensorSpec,
)
from paretune.sources._digest import digest_of_module
from paretune.sources._imports import first_line
from paretune.sources._prepare import prepare_text, preprocessing_of
from paretune.sources._specs import (
    GIVE_SHAPE,
    example_tensors,
    input_specs,
    parameter_names,
)
from paretune.sources.base import Request


def model_of_module(
    module: Any,
    *,
    name: str,
    source: str,
    request: Request,
    preprocessing: Preprocessing | None = None,
    labels: Sequence[str] | None = None,
    input_names: Sequence[str] = (),
    output_names: Sequence[str] = (),
    structure: str = "",
) -> Model:
    """A model around `module`, with its outputs found by running it once.

    Args:
        module: in any mode; put in eval mode.
        name: the MODEL text.
        source: name of the source.
        request: what the caller says; wins over what the source knows.
        preprocessing: what the source knows.
        labels: what the source knows.
        input_names: input names; by default those of `forward`'s parameters.
        output_names: output names; by default keys of a dictionary output, else `output`.
        structure: further text that decides what the module computes.

    Raises:
        InputError: no input shape, the module fails on inputs of that shape, or is TorchScript.
    """
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        raise InputError(
            f"{name} is TorchScript, which PyTorch exports no more: give the module that it was "
            "made from, or an ONNX file of it"
        )
    for refusal in ("eval", "train"):  # of what torch.export made, whose mode is in its graph
        vars(module).pop(refusal, None)
    module = module.eval()
    # A preprocessing object tells the inputs; a text such as `imagenet` needs their size first.
    given = request.preprocessing
    known = preprocessing if given is None or isinstance(given, str) else given
    if isinstance(given, str):
        known = prepare_text(given, None) or known
    specs = input_specs(module, request.input_shape, known, input_names)
    module, specs, outputs = _outputs(module, specs, name, output_names)
    task = request.task or task_of(outputs)
    return Model(
        name=name,
        source=source,
        inputs=specs,
        outputs=outputs,
        task=task,
        digest=digest_of_module(module, specs, structure),
        preprocessing=preprocessing_of(request.preprocessing, specs, preprocessing),
        labels=checked_labels(request.labels or labels, outputs, task),
        module=module,
    )


def task_of(outputs: Sequence[TensorSpec]) -> Task:
    """`classification` when the first output is floats of shape (batch, two or more classes)."""
    first = outputs[0]
    classes = first.shape[1] if len(first.shape) == 2 else None
    scores = classes is not None and classes > 1 and "float" in first.dtype
    return "classification" if scores else "other"


def checked_labels(
    labels: Sequence[str] | None, outputs: Sequence[TensorSpec], task: Task
) -> tuple[str, ...] | None:
    """Labels that fit the classes.

    Raises:
        InputError: there are more or fewer labels than classes.
    """
    if labels is None or task != "classification":
        return None
    classes = outputs[0].shape[-1]
    if classes is not None and len(labels) != classes:
        raise InputError(
            f"{len(labels)} labels are given for a model of {classes} classes: give one per class"
        )
    return tuple(labels)


def _keywords(module: Any, specs: Sequence[TensorSpec]) -> tuple[str, ...]:
    """Names of the inputs where `forward` has parameters of these names in another order."""
    names, parameters = tuple(spec.name for spec in specs), parameter_names(module)
    in_order = names == parameters[: len(names)]
    return names if not in_order and set(names) <= set(parameters) else ()


def _outputs(
    module: Any, specs: tuple[TensorSpec, ...], name: str, names: Sequence[str]
) -> tuple[Any, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The module (wrapped where it returns no plain tensors), its inputs and its outputs."""
    import torch

    from paretune.sources._flatten import NamedInputs, TensorOutputs, tensors_of

    keywords = _keywords(module, specs)

    def asked(*inputs: Any) -> Any:
        return module(**dict(zip(keywords, inputs, strict=True))) if keywords else module(*inputs)

    try:
        answer = _run(asked, specs, 2)
        batch = 2
    except Exception as error:
        if any(spec.shape[:1] != (None,) for spec in specs):
            raise _does_not_run(name, specs, error) from None
        try:
            answer = _run(asked, specs, 1)
        except Exception:
            raise _does_not_run(name, specs, error) from None
        batch = 1
        specs = tuple(s.model_copy(update={"shape": (1, *s.shape[1:])}) for s in specs)
    found = list(tensors_of(answer))
    if not found:
        raise InputError(
            f"model {name} returns no tensor but {type(answer).__name__}: return a tensor, or "
            "tensors in a tuple or dictionary"
        )
    free = _free_axes(asked, specs, batch, [tensor for _, tensor in found])
    plain = isinstance(answer, torch.Tensor) or type(answer) is tuple
    wrapped = module
    if keywords:
        wrapped = NamedInputs(module, keywords).eval()
    elif not plain or len(found) != (1 if isinstance(answer, torch.Tensor) else len(answer)):
        wrapped = TensorOutputs(module).eval()
    outputs = []
    for index, (key, tensor) in enumerate(found):
        shape = [None if i in free[index] else size for i, size in enumerate(tensor.shape)]
        default = key or ("output" if len(found) == 1 else f"output_{index}")
        outputs.append(
            TensorSpec(
                name=names[index] if index < len(names) else default,
                shape=tuple(shape),
                dtype=str(tensor.dtype).removeprefix("torch."),
            )
        )
    return wrapped, specs, tuple(outputs)


def _run(
    module: Callable[..., Any], specs: Sequence[TensorSpec], batch: int, free: int = 16
) -> Any:
    import torch

    # Not in inference mode: what a module remembers of it may be trained with later.
    with torch.no_grad():
        return module(*example_tensors(specs, batch, free=free))


def _free_axes(
    module: Callable[..., Any], specs: Sequence[TensorSpec], batch: int, tensors: Sequence[Any]
) -> list[set[int]]:
    """For each output the axes that follow a free axis of the inputs."""
    from paretune.sources._flatten import tensors_of

    free: list[set[int]] = [set() for _ in tensors]
    changed = []
    if any(spec.shape[:1] == (None,) for spec in specs):
        changed.append(_run(module, specs, batch + 1))
    if any(None in spec.shape[1:] for spec in specs):
        changed.append(_run(module, specs, batch, 32))
    for answer in changed:
        for axes, before, (_, after) in zip(free, tensors, tensors_of(answer), strict=True):
            pairs = zip(before.shape, after.shape, strict=True)
            axes |= {axis for axis, (one, two) in enumerate(pairs) if one != two}
    return free


def _does_not_run(name: str, specs: Sequence[TensorSpec], error: Exception) -> InputError:
    shapes = ", ".join("x".join("N" if s is None else str(s) for s in x.shape) for x in specs)
    return InputError(
        f"model {name} fails on an input of {shapes} (N is the batch): {first_line(error)}; "
        + GIVE_SHAPE
    )
