"""Texts as samples, and labels given as numbers or names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paretune.data.base import Raw, Samples


class Texts(Samples):
    """Texts in memory."""

    kind = "text"

    def __init__(
        self,
        name: str,
        texts: Sequence[str],
        labels: NDArray[np.int64] | None,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        self.name, self.labels, self.class_names = name, labels, class_names
        self._texts = tuple(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def raw(self, index: int) -> Raw:
        """The text."""
        return self._texts[index]


def labels_of(cells: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Class indices from cells that are all whole numbers, or from names in sorted order.

    Returns:
        Labels, int64 (n,), and the class names where the cells are names.
    """
    stripped = [cell.strip() for cell in cells]
    try:
        return np.asarray([int(cell) for cell in stripped], dtype=np.int64), None
    except ValueError:
        names = sorted(set(stripped))
        index_of = {name: index for index, name in enumerate(names)}
        return np.asarray([index_of[cell] for cell in stripped], dtype=np.int64), tuple(names)
