"""Making everything in a module trainable."""

from __future__ import annotations

from torch import nn


def thaw(module: nn.Module) -> nn.Module:
    """Let all weights of a module be trained in place, whatever it came with frozen; returns it.

    What has no gradient, such as an index that is kept as a parameter, stays as it is.
    """
    for parameter in module.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return module
