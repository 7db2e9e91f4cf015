"""Averaged weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def copied(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A module's state with memory of its own."""
    return {key: value.detach().clone() for key, value in state.items()}


class Average:
    """Exponential moving average of a module's parameters and float buffers.

    Args:
        module: whose weights are followed.
        decay: a step; in the first steps less is kept, (1 + t) / (10 + t), so that a short run
            does not hand its beginning back.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = copied(module.state_dict())

    def follow(self, module: nn.Module, step: int) -> None:
        """Take a step's weights in; `step` counts from 0."""
        import torch

        keep = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for key, value in module.state_dict().items():
                if value.is_floating_point():
                    self.weights[key].lerp_(value, 1 - keep)
                else:
                    self.weights[key].copy_(value)
