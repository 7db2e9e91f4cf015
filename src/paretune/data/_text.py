"""Texts as samples, and labels given as numbers or names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data.base import Raw, Samples

#: Columns of two texts that a model is given together, as benchmarks of language name them.
PAIRS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("question1", "question2"),
)


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


def labels_of(name: str, cells: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Class indices from cells that are all whole numbers, or from names in sorted order.

    Numbers are never names, whose order (`10.0` before `2.0`) is not theirs.

    Args:
        name: the data, for messages.
        cells: the label of each sample.

    Returns:
        Labels, int64 (n,), and the class names where the cells are names.

    Raises:
        InputError: they are numbers, and not all whole.
    """
    stripped = [cell.strip() for cell in cells]
    numbers = [number(cell) for cell in stripped]
    found = [value for value in numbers if value is not None]
    if len(found) < len(numbers):
        names = sorted(set(stripped))
        index_of = {name: index for index, name in enumerate(names)}
        return np.asarray([index_of[cell] for cell in stripped], dtype=np.int64), tuple(names)
    wrong = next((i for i, value in enumerate(found) if not value.is_integer()), None)
    if wrong is not None:
        raise InputError(
            f"{name} has labels that are no whole numbers, such as {stripped[wrong]!r}: give class "
            "indices or names, or leave the column out"
        )
    return np.asarray(found).astype(np.int64), None


def number(cell: str) -> float | None:
    """A cell as a number, `nan` and `inf` among them; None where it is none."""
    try:
        return float(cell)
    except ValueError:
        return None


def check_no_pair(name: str, columns: Collection[str]) -> None:
    """Refuse a table whose samples are pairs of texts, of which one alone means little.

    Args:
        name: the data, for messages.
        columns: names of the columns that may hold texts.

    Raises:
        InputError: two of them are a pair.
    """
    known = {column.strip().lower() for column in columns}
    for pair in PAIRS:
        if known.issuperset(pair):
            raise InputError(
                f"{name} has pairs of texts ({' and '.join(pair)}): join them in one column named "
                "text and leave out the two, or give their tokens as .npz"
            )
