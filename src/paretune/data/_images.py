"""Image files as samples; every one is decoded once, so that a damaged file is found early."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data.base import Raw, Samples

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif"}
    | {".tiff", ".webp"}
)
#: More unreadable images than this share are no accident: the folder is not what it seems.
MOST_UNREADABLE = 0.05


class ImageFiles(Samples):
    """Images in files of their own."""

    kind = "image"

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        labels: NDArray[np.int64] | None,
        class_names: tuple[str, ...] | None = None,
        skipped: tuple[str, ...] = (),
    ) -> None:
        self.name, self.labels, self.class_names, self.skipped = name, labels, class_names, skipped
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def raw(self, index: int) -> Raw:
        """A PIL image, decoded."""
        return open_image(self.paths[index])

    def describe(self, index: int) -> str:
        """The file."""
        return str(self.paths[index])

    def identity(self) -> str:
        """Digest of names, sizes and times of change."""
        total = hashlib.sha256()
        for path in self.paths:
            status = path.stat()
            total.update(os.fsencode(path.absolute()))  # a name may be in any encoding
            total.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return total.hexdigest()


def open_image(path: str | Path) -> Image:
    """The image in a file, decoded.

    Raises:
        InputError: no such file, or no readable image in it.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            return image
    except Exception as error:  # decoders raise many kinds on damaged files
        raise InputError(f"image {path} cannot be read ({error}): repair or remove it") from error


def readable(
    name: str, files: Sequence[Path] | Sequence[Callable[[], IO[bytes]]], names: Sequence[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Indices of the images that decode, and the names of those that do not.

    Args:
        name: the data, for messages.
        files: paths, or functions that open a file in memory.
        names: how to call each one.

    Raises:
        InputError: more than 5 % cannot be decoded.
    """
    with ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(_fault, files))
    bad = [index for index, fault in enumerate(faults) if fault]
    if len(bad) > MOST_UNREADABLE * len(names):
        raise InputError(
            f"{name} has {len(bad)} unreadable images among {len(names)}, more than "
            f"{MOST_UNREADABLE:.0%}, the first is {names[bad[0]]} ({faults[bad[0]]}): repair or "
            "remove them"
        )
    good = np.asarray([i for i, fault in enumerate(faults) if not fault], dtype=np.int64)
    return good, tuple(names[index] for index in bad)


def _fault(file: Path | Callable[[], IO[bytes]]) -> str:
    """Why an image cannot be decoded; empty where it can."""
    from PIL import Image

    try:
        with Image.open(file if isinstance(file, Path) else file()) as image:
            # JPEG at an eighth of its size: still reads every byte, and so finds a cut-off end.
            image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
    except Exception as error:  # decoders raise many kinds on damaged files; all are told
        return f"{type(error).__name__}: {error}" if not str(error) else str(error)
    return ""
