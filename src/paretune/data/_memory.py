"""Samples that lie in arrays: grey or colour images, and named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data.base import Raw, Samples


class ImageArray(Samples):
    """Images in one uint8 array (n, H, W) or (n, H, W, 3)."""

    kind = "image"

    def __init__(
        self,
        name: str,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64] | None,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        self.name, self.labels, self.class_names = name, labels, class_names
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def raw(self, index: int) -> Raw:
        """A PIL image."""
        from PIL import Image

        return Image.fromarray(self._pixels[index])


class TensorSamples(Samples):
    """Tensors by input name, samples on axis 0 of each; memory-mapped arrays stay on disk."""

    kind = "tensors"

    def __init__(
        self,
        name: str,
        arrays: Mapping[str, NDArray[Any]],
        labels: NDArray[Any] | None = None,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        self.name, self.class_names = name, class_names
        self.arrays = {key: _numeric(name, key, value) for key, value in arrays.items()}
        if not self.arrays:
            raise InputError(f"{name} holds no input arrays: give at least one beside the labels")
        lengths = {key: len(value) for key, value in self.arrays.items()}
        if labels is not None:
            lengths["y"] = len(labels)
        if len(set(lengths.values())) > 1:
            text = ", ".join(f"{key} {length}" for key, length in lengths.items())
            raise InputError(
                f"{name} has arrays of different lengths ({text}): align their samples"
            )
        self.labels = None if labels is None else class_indices(name, labels)

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def raw(self, index: int) -> Raw:
        """Input name to array, without batch axis."""
        return {key: value[index] for key, value in self.arrays.items()}


def from_pair(data: tuple[Any, ...], name: str = "arrays") -> TensorSamples:
    """Samples of an `(x, y)` pair, where `x` is one array or a mapping of them.

    Raises:
        InputError: not a pair.
    """
    if len(data) != 2:
        raise InputError(f"{name} is a tuple of {len(data)}: give (x, y), with None for no labels")
    inputs, labels = data
    arrays = inputs if isinstance(inputs, Mapping) else {"x": inputs}
    return TensorSamples(
        name,
        {key: np.asarray(value) for key, value in arrays.items()},
        None if labels is None else np.asarray(labels),
    )


def class_indices(name: str, labels: NDArray[Any]) -> NDArray[np.int64]:
    """Labels as int64 (n,); whole floats are taken, anything else refused.

    Raises:
        InputError: labels that are no class indices.
    """
    values = np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "iufb":
        raise InputError(
            f"{name} has labels of shape {values.shape} and dtype {values.dtype}: "
            "give one class index for each sample"
        )
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.rint(values))).all():
        raise InputError(f"{name} has labels that are no whole numbers: give class indices")
    return values.astype(np.int64)


def _numeric(name: str, key: str, value: NDArray[Any]) -> NDArray[Any]:
    """The array, if a model can take such values at all."""
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype.kind not in "iufb" or array.ndim == 0:
        raise InputError(
            f"{name} has an array {key!r} of dtype {array.dtype} and shape {array.shape}: "
            "give numbers with the samples on axis 0"
        )
    return array
