"""What layers hear of hidden channels: how much each channel matters, and what if nobody listened.

Cutting channels out is checked, not trusted: a block with channels cut must give what it gives when
no layer listens to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound
    from paretune.search.operators._channels import Channels

#: Two ways to compute the same may differ by these shares of the change, or of the largest value.
CHANGE = 1e-2
ROUNDING = 1e-5


def energy(block: Bound, x: torch.Tensor, channels: Channels) -> torch.Tensor:
    """How much each hidden channel gives to what reads it, (size,), on real inputs.

    The mean square of the channel, times that of the weights by which it is read.
    """
    import torch
    from torch import nn

    total = torch.zeros(channels.size)
    handles = []
    for name, places in channels.readers.items():

        def hook(layer: nn.Module, args: Any, places: tuple[int, ...] = places) -> None:
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            given = args[0]
            axes = (0, 2, 3) if isinstance(layer, nn.Conv2d) else tuple(range(given.dim() - 1))
            weight = layer.weight.transpose(0, 1).flatten(1).square().sum(dim=1)
            shares = (given.square().mean(dim=axes) * weight)[list(places)]
            total.add_(shares.reshape(channels.size, -1).sum(dim=1))

        handles.append(block.get_submodule(name).register_forward_pre_hook(hook))
    try:
        with torch.no_grad():
            block(x)
    finally:
        for handle in handles:
            handle.remove()
    return total


def deafen(block: Bound, channels: Channels, kept: Sequence[int]) -> None:
    """Make every reader of `channels` deaf to those that are not kept."""
    import torch
    from torch import nn

    lost = torch.ones(channels.size, dtype=torch.bool)
    lost[list(kept)] = False
    with torch.no_grad():
        for name, places in channels.readers.items():
            layer = block.get_submodule(name)
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            each = len(places) // channels.size
            layer.weight[:, torch.tensor(places)[lost.repeat_interleave(each)]] = 0


def agrees(made: torch.Tensor, wanted: torch.Tensor, was: torch.Tensor) -> bool:
    """Whether two ways to compute the same change differ by rounding, or far less than it changes.

    Args:
        made: computed in one way.
        wanted: computed in the other.
        was: before the change.
    """
    if made.shape != wanted.shape:
        return False
    change, scale = (wanted - was).abs().max(), wanted.abs().max()
    return bool((made - wanted).abs().max() <= max(CHANGE * change, ROUNDING * scale))
