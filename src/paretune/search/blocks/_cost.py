"""Multiply-accumulates and parameters of a traced module, from its layers' shapes."""

from __future__ import annotations

import math
from typing import Any

from paretune.search.blocks._trace import Call


def macs_of(module: Any, calls: list[Call]) -> int:
    """Multiply-accumulates of a module for one sample: its convolutions and linear layers.

    Args:
        module: the module.
        calls: calls of itself and of everything in it.
    """
    return sum(_layer_macs(call) for call in calls)


def _layer_macs(call: Call) -> int:
    """Of one layer: every output number takes one product per weight of its output channel."""
    weight = getattr(call.module, "weight", None)
    if call.output_shape is None or weight is None or weight.dim() < 2:
        return 0
    if type(call.module).__name__.startswith("Embedding"):
        return 0
    return int(math.prod(call.output_shape[1:]) * math.prod(weight.shape[1:]))


def params_of(module: Any) -> int:
    """Numbers in a module's parameters."""
    return sum(p.numel() for p in module.parameters())
