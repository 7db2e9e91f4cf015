"""Strided 1 x 1 convolutions of few channels are trained rightly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.search.finish._strided import guarded


def gradients(layer: nn.Conv2d, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = x.detach().requires_grad_()
    layer.zero_grad()
    layer(x).square().sum().backward()
    assert layer.weight.grad is not None
    assert x.grad is not None
    return layer.weight.grad.clone(), x.grad.clone()


@pytest.mark.parametrize("channels", [1, 3, 6, 12, 16])
def test_gradients_are_right_with_channels_last(channels: int) -> None:
    """Without the guard, oneDNN's of 6 channels are wrong with AVX2, and of 4 it crashes."""
    torch.manual_seed(0)
    layer = nn.Conv2d(channels, 16, 1, stride=2)
    x = torch.randn(16, channels, 16, 16)
    known = gradients(layer.double(), x.double())
    layer.float().to(memory_format=torch.channels_last)
    hooks = guarded(layer)
    found = gradients(layer, x.contiguous(memory_format=torch.channels_last))
    for ours, theirs in zip(found, known, strict=True):
        torch.testing.assert_close(ours, theirs.float(), rtol=1e-4, atol=1e-4)
    assert bool(hooks) == (channels < 16)


def test_other_layers_are_left_alone_and_hooks_go() -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, 2), nn.Conv2d(4, 4, 1, 2))
    hooks = guarded(module)
    assert [bool(layer._forward_pre_hooks) for layer in module] == [False, False, True]
    for hook in hooks:
        hook.remove()
    assert not module[2]._forward_pre_hooks
