"""Samples drawn from a split: its order may be that of its classes, so the first are no sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.data import ArrayFolder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Picked:
    """Some samples of a split, in an order of their own.

    Attributes:
        arrays: the inputs of the split.
        order: which of its samples, int64 (n,).
    """

    arrays: ArrayFolder
    order: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many samples."""
        return len(self.order)

    def inputs(self, rows: range) -> tuple[torch.Tensor, ...]:
        """Inputs of the network for these of the samples, in call order."""
        return self.arrays.tensors(self.order[rows.start : rows.stop])

    def labels(self) -> NDArray[np.int64] | None:
        """Class indices, int64 (n,), or None when unlabelled."""
        every = self.arrays.labels()
        return None if every is None else every[self.order]


def drawn(arrays: ArrayFolder, n: int, random: np.random.Generator) -> Picked:
    """`n` samples of a split at random, all of them where it has no more."""
    return Picked(arrays, random.permutation(arrays.n)[:n])
