"""The blocks that operators build: a branch of convolutions beside a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """One convolution of a branch, with BatchNorm after it and ReLU after that where `active`."""

    channels_in: int
    channels_out: int
    kernel: int
    stride: int = 1
    groups: int = 1
    active: bool = True


class ConvNorm(nn.Module):
    """Convolution, BatchNorm, and ReLU where `active`."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            layer.channels_in,
            layer.channels_out,
            layer.kernel,
            layer.stride,
            layer.kernel // 2,
            groups=layer.groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(layer.channels_out)
        self.act = nn.ReLU() if layer.active else nn.Identity()
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) -> (n, c', h', w')."""
        made: torch.Tensor = self.act(self.norm(self.conv(x)))
        return made


class Residual(nn.Module):
    """shortcut(x) + branch(x), with ReLU after it where `active`.

    The shortcut is x itself where shapes allow, otherwise a 1x1 convolution with the stride.

    Args:
        layers: of the branch; the last one without activation.
        active: whether ReLU follows the sum: where the block it replaces never gives negatives.
    """

    def __init__(self, layers: Sequence[Layer], *, active: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(*(ConvNorm(layer) for layer in layers))
        stride = 1
        for layer in layers:
            stride *= layer.stride
        ends = (layers[0].channels_in, layers[-1].channels_out)
        plain = stride == 1 and ends[0] == ends[1]
        self.shortcut = nn.Identity() if plain else ConvNorm(Layer(*ends, 1, stride, active=False))
        self.act = nn.ReLU() if active else nn.Identity()
        # It begins as its shortcut, which the branch then learns to leave.
        nn.init.zeros_(self.branch[-1].norm.weight)  # type: ignore[union-attr,arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) -> (n, c', h', w')."""
        made: torch.Tensor = self.act(self.shortcut(x) + self.branch(x))
        return made
