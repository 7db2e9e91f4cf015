"""The 1,797 scanned 8x8 digits inside scikit-learn: real data that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from paretune.core import MissingPackageError
from paretune.data._memory import ImageArray
from paretune.data.registry import Format, Opened, register

if TYPE_CHECKING:
    from numpy.typing import NDArray


@register
class Digits(Format):
    """`digits`."""

    name: ClassVar[str] = "digits"
    usage: ClassVar[str] = "digits"

    def match(self, text: str) -> bool:
        """Whether the text is the word itself."""
        return text == "digits"

    def open(self, text: str) -> Opened:
        """1,797 grey images of 8x8 pixels, 0..255, in 10 classes."""
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise MissingPackageError(
                "data 'digits' is inside scikit-learn: pip install scikit-learn"
            ) from error
        bunch = load_digits()
        # The scans hold counts of 0..16.
        pixels: NDArray[np.uint8] = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
        names = tuple(str(digit) for digit in range(10))
        return Opened(ImageArray(text, pixels, bunch.target.astype(np.int64), names))
