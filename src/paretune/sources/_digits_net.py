"""The demo's own network: a small residual CNN for 8x8 grey digits.

A residual network after He et al. 2015 (arXiv:1512.03385), basic blocks in three stages. The input
is doubled to 16x16 first, so that the stages have something to stride over.
"""

from __future__ import annotations

import torch
from torch import nn


class _Block(nn.Module):
    """Two 3x3 convolutions around a shortcut, which is projected where the shape changes."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inside, h, w) to (batch, outside, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        result: torch.Tensor = self.relu(y + self.shortcut(x))
        return result


class DigitsNet(nn.Module):
    """Stem, three stages of residual blocks, pooling, a linear head."""

    def __init__(
        self, widths: tuple[int, ...] = (32, 64, 128), blocks: int = 2, classes: int = 10
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(1, widths[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        stages = []
        inside = widths[0]
        for stage, width in enumerate(widths):
            for index in range(blocks):
                stages.append(_Block(inside, width, 2 if stage and not index else 1))
                inside = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, classes))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(batch, 1, 8, 8) float32 to logits (batch, 10)."""
        logits: torch.Tensor = self.head(self.stages(self.stem(image)))
        return logits


def build(seed: int = 0) -> DigitsNet:
    """An untrained network whose random weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DigitsNet()
