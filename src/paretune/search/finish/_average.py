"""Averaged weights, and BatchNorm statistics that fit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def refresh_norms(module: nn.Module, batches: Iterable[Sequence[torch.Tensor]]) -> None:
    """Estimate BatchNorm's running statistics again, with the weights as they are now.

    Averaged weights never saw the statistics that were averaged beside them. Cumulative means over
    the batches (Wu & Johnson 2021, arXiv 2105.07576, section 3, "precise BatchNorm").

    Args:
        module: left in eval mode.
        batches: inputs, at least one batch of them.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative mean
        norm.train()
    try:
        with torch.no_grad():
            for inputs in batches:
                module(*inputs)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        module.eval()
