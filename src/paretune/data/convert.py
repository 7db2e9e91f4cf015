"""One sample as model inputs, whatever kind of sample it is; says at once what cannot fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import (
    ImagePreprocessing,
    InputError,
    Preprocessing,
    TensorSpec,
    TextPreprocessing,
)
from paretune.data.base import Samples
from paretune.data.preprocess import apply, check_shape

Row = dict[str, NDArray[Any]]


def converter(
    samples: Samples, inputs: tuple[TensorSpec, ...], preprocessing: Preprocessing | None
) -> Callable[[int], Row]:
    """A function from sample index to inputs, without batch axis.

    Args:
        samples: what is converted.
        inputs: every input of the model, in call order.
        preprocessing: as the model states it; tensors are taken as they are.

    Returns:
        `index -> input name to array`, in the inputs' dtypes. It raises InputError for a sample
        that does not fit or holds NaN.

    Raises:
        InputError: this kind of samples cannot become these inputs.
    """
    if samples.kind == "tensors":
        return lambda index: _checked(samples, index, tensors(samples, index, inputs))
    wanted = {"image": ImagePreprocessing, "text": TextPreprocessing}[samples.kind]
    if preprocessing is None:
        example = (
            "imagenet, unit or a JSON file" if samples.kind == "image" else "which is a JSON file"
        )
        raise InputError(
            f"{samples.name} holds {samples.kind} samples and the model states no preprocessing: "
            f"state it with --preprocess, {example}"
        )
    if not isinstance(preprocessing, wanted):
        raise InputError(
            f"{samples.name} holds {samples.kind} samples and the model's preprocessing is for "
            f"{preprocessing.kind}: give {preprocessing.kind} samples"
        )
    described: Preprocessing = preprocessing
    return lambda index: _checked(samples, index, apply(described, samples.raw(index), inputs))


def tensors(samples: Samples, index: int, inputs: tuple[TensorSpec, ...]) -> Row:
    """A sample that is tensors, checked and cast to the inputs' dtypes.

    A single array feeds a single input whatever their names are.

    Raises:
        InputError: an input is missing, or shape or dtype do not fit.
    """
    raw: Mapping[str, NDArray[Any]] = samples.raw(index)
    if len(raw) == 1 and len(inputs) == 1:
        raw = {inputs[0].name: next(iter(raw.values()))}
    missing = [spec.name for spec in inputs if spec.name not in raw]
    if missing:
        raise InputError(
            f"{samples.name} has no array for input {missing[0]!r} (it has {', '.join(raw)}): "
            "name one array after each input"
        )
    row: Row = {}
    for spec in inputs:
        array = np.asarray(raw[spec.name])
        check_shape(spec, array.shape, f"{samples.name} has")
        if not _castable(array.dtype, np.dtype(spec.dtype)):
            raise InputError(
                f"input {spec.name!r} takes {spec.dtype} and {samples.name} has {array.dtype}: "
                "convert the array"
            )
        row[spec.name] = np.ascontiguousarray(array, dtype=spec.dtype)
    return row


def _castable(have: np.dtype[Any], want: np.dtype[Any]) -> bool:
    """Whether values keep their meaning: float64 as float32 yes, floats as token ids no."""
    return np.can_cast(have, want, casting="same_kind") or {have.kind, want.kind} <= set("iub")


def _checked(samples: Samples, index: int, row: Row) -> Row:
    """The row, if it holds no NaN."""
    for name, array in row.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise InputError(
                f"{samples.name} has NaN in input {name!r} of {samples.describe(index)}: "
                "remove or repair it"
            )
    return row
