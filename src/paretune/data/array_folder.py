"""Prepared inputs of one split, as they lie on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import Noun, TensorSpec

if TYPE_CHECKING:
    import torch

META = "arrays.json"
#: Bytes of inputs that a network is given at once where it can be given less.
AT_ONCE_BYTES = 4 << 20


class ArrayFolder(Noun):
    """The inputs of one split as `.npy` files, with labels where there are any.

    Attributes:
        path: the folder.
        n: samples.
        inputs: the inputs, in call order, with the shapes as stored (batch axis None).
        labelled: whether labels are present.
        digest: sha256 hex of all arrays' content: equal digests mean equal samples.
        truncated: texts of which the end was cut off.
    """

    path: Path
    n: int
    inputs: tuple[TensorSpec, ...]
    labelled: bool
    digest: str
    truncated: int = 0

    def feeds(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Samples `start` to `stop` by input name, batch on axis 0, memory-mapped, read-only."""
        return {
            spec.name: np.load(self.path / file, mmap_mode="r", allow_pickle=False)[start:stop]
            for spec, file in zip(self.inputs, file_names(self.inputs), strict=True)
        }

    def tensors(self, rows: slice | NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """Inputs of these samples in call order, batch on axis 0; copies that may be changed."""
        import torch

        feeds = self.feeds(0, self.n)
        return tuple(torch.from_numpy(np.array(feeds[spec.name][rows])) for spec in self.inputs)

    def labels(self) -> NDArray[np.int64] | None:
        """Class indices, int64 (n,), or None when unlabelled."""
        return np.load(self.path / "labels.npy", allow_pickle=False) if self.labelled else None

    def batches(self, size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Feeds of `size` samples each, in order; the last may be smaller."""
        for start in range(0, self.n, size):
            yield self.feeds(start, min(start + size, self.n))

    def at_once(self, most: int) -> int:
        """How many samples to pass through a network at once: at most `most`, at least 1.

        Fewer of large ones: what a network makes of them on its way is many times their size.
        """
        each = sum(array.nbytes for array in self.feeds(0, 1).values())
        return max(1, min(most, AT_ONCE_BYTES // max(1, each), self.n))


def file_names(inputs: tuple[TensorSpec, ...]) -> list[str]:
    """File name of each input; what cannot stand in a file name is left out."""
    return [
        f"{index}_{re.sub(r'[^A-Za-z0-9_-]+', '_', spec.name)[:60]}.npy"
        for index, spec in enumerate(inputs)
    ]


def existing(folder: Path) -> ArrayFolder | None:
    """The folder as written before, None where it is not there or not as it was."""
    try:
        meta = json.loads((folder / META).read_text())
    except (FileNotFoundError, ValueError):
        return None
    sizes = meta.pop("sizes")
    present = {file.name: file.stat().st_size for file in folder.iterdir() if file.name != META}
    return ArrayFolder(path=folder, **meta) if present == sizes else None
