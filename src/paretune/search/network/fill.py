"""Weights into a network whose layers may have other biases than they had."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from paretune.search.eval_mode import in_eval_mode


def fill(module: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load weights, after giving layers the biases that they had, and no others.

    Whether a layer that was fitted to real inputs took a bias depends on those inputs.

    Args:
        module: changed in place, and in eval mode.
        state: by name, as `state_dict` gives them.

    Raises:
        RuntimeError: names or shapes differ.
    """
    for path, inner in module.named_modules():
        if not hasattr(inner, "bias") or not hasattr(inner, "weight"):
            continue
        name = f"{path}.bias" if path else "bias"
        if name in state and inner.bias is None:
            inner.bias = nn.Parameter(torch.zeros_like(state[name]))
        elif name not in state:
            inner.bias = None
    module.load_state_dict(state)
    in_eval_mode(module)
