"""Eval mode, without what a module kept there of a pass before.

Some keep what they make of their weights from pass to pass while in eval mode, such as LeViT its
attention's biases, and drop it where they enter train mode. Once the weights have changed, or where
the pass was one that gradients followed, it must go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def in_eval_mode(module: nn.Module) -> nn.Module:
    """The module in eval mode, as if no pass had been made through it."""
    module.train()  # which a module of the user's may override, to return nothing
    module.eval()
    return module
