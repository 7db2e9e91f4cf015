"""Convolutions that oneDNN must not be given with channels last while they are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.hooks import RemovableHandle

#: Channels that oneDNN's kernels take at a time: 8 with AVX2, 16 with AVX-512.
BLOCK = 16


def guarded(module: nn.Module) -> list[RemovableHandle]:
    """Give strided 1 x 1 convolutions of few channels their input with channels first.

    With channels last, oneDNN computes the gradient of their weights wrongly and writes beyond its
    memory where they have fewer input channels than a block: the process may crash
    (https://github.com/uxlfoundation/oneDNN/issues/6035).

    Args:
        module: its other convolutions stay as they are.

    Returns:
        Hooks, to be removed after the training.
    """
    from torch import nn

    narrow = [m for m in module.modules() if isinstance(m, nn.Conv2d) and _is_narrow(m)]
    for layer in narrow:
        # A 1 x 1 kernel is contiguous in either layout, and only its strides tell which is meant.
        weight = layer.weight.data
        layer.weight.data = weight.flatten().view(weight.shape)
    return [layer.register_forward_pre_hook(_channels_first) for layer in narrow]


def _is_narrow(layer: nn.Conv2d) -> bool:
    strided = layer.kernel_size == (1, 1) and max(layer.stride) > 1
    return strided and layer.groups == 1 and layer.in_channels < BLOCK


def _channels_first(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    import torch

    # A copy even of one channel, which lies alike in both layouts.
    return (inputs[0].clone(memory_format=torch.contiguous_format), *inputs[1:])
