"""Samples and the three disjoint splits that every choice is made under."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A raw sample: an image (`PIL.Image.Image`), a text (`str`), or named tensors without batch axis.
Raw = Any
SPLITS = ("train", "search", "holdout")


class Samples(ABC):
    """Where samples come from. Everything heavy is read lazily.

    Attributes:
        name: the DATA text as the user wrote it.
        labels: class index of each sample, int64 (n,), or None when unlabelled.
        class_names: names by class index, where the data has them.
        kind: what `raw` returns: `image`, `text` or `tensors`.
        skipped: unreadable samples that were left out, with their names.
    """

    name: str
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...] | None
    kind: str
    skipped: tuple[str, ...] = ()

    @abstractmethod
    def __len__(self) -> int:
        """Number of readable samples."""

    @abstractmethod
    def raw(self, index: int) -> Raw:
        """The sample as stored: PIL image, text, or a mapping of input name to array."""

    def describe(self, index: int) -> str:
        """The sample in a message to the user: its file where it has one."""
        return f"sample {index}"

    def identity(self) -> str:
        """sha256 hex that changes when any sample does; decides whether prepared arrays are reused.

        This default reads every sample. Samples that lie in files override it with names, sizes
        and times of change, which cost nothing to read.
        """
        total = hashlib.sha256(f"{self.kind} {len(self)}".encode())
        for index in range(len(self)):
            for part in _bytes_of(self.raw(index)):
                total.update(part)
        return total.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """Samples in disjoint splits.

    Attributes:
        samples: all of them.
        splits: `train`, `search`, `holdout` -> sample indices, int64 (n,), disjoint.
    """

    samples: Samples
    splits: Mapping[str, NDArray[np.int64]]

    def labels(self, split: str) -> NDArray[np.int64] | None:
        """Labels of a split, int64 (n,), or None when unlabelled."""
        every = self.samples.labels
        return None if every is None else every[self.splits[split]]


def _bytes_of(raw: Raw) -> Iterator[bytes]:
    """What a raw sample consists of, for hashing."""
    if isinstance(raw, str):
        yield raw.encode()
    elif isinstance(raw, Mapping):
        for name, value in sorted(raw.items()):
            array = np.ascontiguousarray(value)
            yield f"{name} {array.dtype} {array.shape}".encode()
            yield array.tobytes()
    else:
        yield f"{raw.mode} {raw.size}".encode()
        yield raw.tobytes()
