"""Whether a tensor is an image (C, H, W), or a map (H, W, C) with its channels last.

Its shape alone does not tell. What does are the two-dimensional layers of the block that takes or
gives it: they work on (n, C, H, W) always, so what they see is (C, H, W) for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

#: Layers that take and give images, and nothing else.
LAYERS = (nn.Conv2d, nn.BatchNorm2d)


class Planes:
    """The images that the two-dimensional layers of some modules see while they run.

    Attributes:
        read: (c, h, w) of each that such a layer took, in call order.
        made: of each that it gave.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.read: list[tuple[int, ...]] = []
        self.made: list[tuple[int, ...]] = []
        layers = [m for module in modules for m in module.modules() if isinstance(m, LAYERS)]
        self._handles = [layer.register_forward_hook(self._look) for layer in layers]

    def remove(self) -> None:
        """Look no longer."""
        for handle in self._handles:
            handle.remove()

    def _look(self, _: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        for kept, tensors in ((self.read, args[:1]), (self.made, (output,))):
            kept.extend(
                tuple(x.shape[1:]) for x in tensors if isinstance(x, torch.Tensor) and x.dim() == 4
            )


def is_image(shape: Sequence[int], planes: Iterable[Sequence[int]]) -> bool:
    """Whether a tensor is (C, H, W), as at least one image beside it bears witness.

    An image may have other channels or be of another size: a hidden layer's, or one padded before.
    So either is enough, unless it fits (H, W, C) as well; where all three axes are equally long
    both always fit, and having such a layer decides.

    Args:
        shape: of the tensor for one sample.
        planes: (c, h, w) of images that layers of the block read, for what goes into it; of those
            that they made, for what comes out.
    """
    if len(shape) != 3:
        return False
    a, b, c = shape
    for channels, *size in planes:
        if size == [1, 1] != [b, c]:
            continue  # pooled for a gate: of any number of channels, and of no size
        first = (channels == a) + (size == [b, c])
        last = (channels == c) + (size == [a, b])
        if first > last or (first and a == b == c):
            return True
    return False
