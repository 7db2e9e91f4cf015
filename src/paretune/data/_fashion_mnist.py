"""Fashion-MNIST from its gzipped IDX files (https://github.com/zalandoresearch/fashion-mnist)."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data._memory import ImageArray
from paretune.data.registry import Format, Opened, register

#: Where the Debian package `dataset-fashion-mnist` puts them.
FOLDER = Path("/usr/share/datasets/fashion-mnist")
VARIABLE = "PARETUNE_FASHION_MNIST"
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@register
class FashionMnist(Format):
    """`fashion-mnist`."""

    name: ClassVar[str] = "fashion-mnist"
    usage: ClassVar[str] = "fashion-mnist"

    def match(self, text: str) -> bool:
        """Whether the text is the name."""
        return text == "fashion-mnist"

    def open(self, text: str) -> Opened:
        """70,000 grey images of 28x28 pixels in 10 classes; the official test file is held out."""
        folder = Path(os.environ.get(VARIABLE, FOLDER)).expanduser()
        images, labels = [], []
        for part in ("train", "t10k"):
            images.append(_idx(folder / f"{part}-images-idx3-ubyte.gz", 3))
            labels.append(_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1))
            if len(images[-1]) != len(labels[-1]):
                raise InputError(
                    f"{folder} has {len(images[-1])} images and {len(labels[-1])} labels in its "
                    f"{part} files: get them again"
                )
        ends = len(images[0]), len(images[0]) + len(images[1])
        samples = ImageArray(
            text, np.concatenate(images), np.concatenate(labels).astype(np.int64), CLASSES
        )
        parts = {"train": np.arange(ends[0]), "holdout": np.arange(*ends)}
        return Opened(samples, parts, search_from_train=True)


def _idx(file: Path, axes: int) -> NDArray[np.uint8]:
    """Bytes of an IDX file in their shape.

    Format: two zero bytes, the type (8: unsigned byte), the number of axes, then big-endian sizes.
    """
    try:
        data = gzip.decompress(file.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"fashion-mnist needs {file}: install the Debian package dataset-fashion-mnist, or set "
            f"{VARIABLE} to a folder with its four .gz files"
        ) from error
    except (OSError, EOFError) as error:
        raise InputError(f"{file} cannot be read ({error}): get it again") from error
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes((0, 0, 8, axes)):
        raise InputError(f"{file} is no IDX file of {axes} axes: get it again")
    shape = struct.unpack(f">{axes}I", data[4:start])
    if len(data) - start != int(np.prod(shape)):
        raise InputError(f"{file} is cut off: get it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
