"""Inputs and outputs of a module: which there are, and example tensors for them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import ImagePreprocessing, InputError, Preprocessing, TensorSpec

#: What a free axis other than the batch is set to in examples: 1 would be taken for a constant.
FREE_AXIS = 16
#: The mend where shapes are not known, or wrong.
GIVE_SHAPE = (
    "give --input-shape 3x224x224 (in Python input_shape=(3, 224, 224)), the shape of one sample "
    "without the batch axis"
)


def input_specs(
    module: Any,
    shape: Sequence[int] | Sequence[TensorSpec] | None,
    preprocessing: Preprocessing | None,
    names: Sequence[str] = (),
) -> tuple[TensorSpec, ...]:
    """Specs of a module's inputs from what the caller, the module or the preprocessing says.

    Args:
        module: the `torch.nn.Module`.
        shape: one sample's shape without the batch axis, or full specs.
        preprocessing: decides where `shape` is None.
        names: input names; by default those of `forward`'s parameters.

    Raises:
        InputError: nobody says what the inputs are.
    """
    if shape is None:
        shape = getattr(module, "paretune_input_shape", None)
    if shape is None and preprocessing is not None:
        return _prepared_specs(preprocessing, names or parameter_names(module))
    if shape is None:
        attribute = getattr(module, "input_shape", None)
        shape = attribute if isinstance(attribute, (tuple, list)) else None
    if shape is None:
        raise InputError(f"nothing says what inputs the model takes: {GIVE_SHAPE}")
    specs = tuple(shape)
    if specs and all(isinstance(spec, TensorSpec) for spec in specs):
        return specs
    if not specs or not all(isinstance(size, int) and size > 0 for size in specs):
        raise InputError(
            f"input_shape {shape!r} is not a shape: give positive sizes without the batch axis, "
            "such as (3, 224, 224), or a TensorSpec for each input"
        )
    name = (names or parameter_names(module) or ("input",))[0]
    sizes: tuple[Any, ...] = specs
    return (TensorSpec(name=name, shape=(None, *sizes), dtype="float32"),)


def _prepared_specs(preprocessing: Preprocessing, names: Sequence[str]) -> tuple[TensorSpec, ...]:
    if isinstance(preprocessing, ImagePreprocessing):
        colours = 1 if preprocessing.channels == "L" else 3
        height, width = preprocessing.size
        chw = preprocessing.layout == "CHW"
        sizes = (None, colours, height, width) if chw else (None, height, width, colours)
        return (TensorSpec(name=(names or ("image",))[0], shape=sizes, dtype="float32"),)
    length = preprocessing.max_length
    return tuple(
        TensorSpec(name=name, shape=(None, length), dtype="int64") for name in preprocessing.inputs
    )


def parameter_names(module: Any) -> tuple[str, ...]:
    """Of `forward`, in order: those that can be given by position."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # a scripted module has no readable signature
        return ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in positional)


def example_arrays(
    specs: Sequence[TensorSpec], batch: int, *, free: int = FREE_AXIS, seed: int = 0
) -> list[NDArray[Any]]:
    """Random arrays that fit the inputs: standard normal floats, integers of 0 and 1.

    Args:
        specs: the inputs.
        batch: size of axis 0 where it is free.
        free: size of every other free axis.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    arrays = []
    for spec in specs:
        sizes = [free if size is None else size for size in spec.shape]
        if spec.shape and spec.shape[0] is None:
            sizes[0] = batch
        kind = np.dtype(spec.dtype)
        values = (
            random.standard_normal(sizes)
            if np.issubdtype(kind, np.floating)
            else random.integers(0, 2, sizes)  # 0 and 1 are valid indices of any embedding
        )
        arrays.append(np.asarray(values, dtype=kind))
    return arrays


def example_tensors(specs: Sequence[TensorSpec], batch: int, *, free: int = FREE_AXIS) -> Any:
    """`example_arrays` as a tuple of `torch.Tensor`."""
    import torch

    return tuple(torch.from_numpy(a) for a in example_arrays(specs, batch, free=free))
