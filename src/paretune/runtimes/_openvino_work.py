"""What each executed layer of a compiled OpenVINO model computes and moves, from its graph."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Work(NamedTuple):
    """Of one layer and call: multiply-accumulates, and bytes of inputs, weights and outputs."""

    macs: int
    moved: int


def work(compiled: Any) -> dict[str, Work]:
    """By the name of the executed layer, as in its profile.

    Layers whose shapes are not static are left out.

    Args:
        compiled: an `openvino.CompiledModel`.
    """
    found = {}
    for node in compiled.get_runtime_model().get_ordered_ops():
        facts = node.get_rt_info()
        kind = _text(facts, "layerType")
        if kind in ("", "Const", "Input", "Output"):
            continue
        values = [*node.input_values(), *node.outputs()]
        if not all(value.get_partial_shape().is_static for value in values):
            continue
        shapes = [tuple(value.get_shape()) for value in node.input_values()]
        out = tuple(node.output(0).get_shape())
        found[node.get_friendly_name()] = Work(
            macs=_macs(kind, shapes, out),
            moved=sum(math.prod(v.get_shape()) * v.get_element_type().size for v in values),
        )
    return found


def _macs(kind: str, shapes: list[tuple[int, ...]], out: tuple[int, ...]) -> int:
    """Multiply-accumulates of a layer by its kind."""
    outputs = math.prod(out)
    if kind == "Convolution" and len(shapes) > 1:
        # (O, I, k...), and (G, O/G, I/G, k...) in groups.
        weights = shapes[1]
        grouped = len(weights) == len(out) + 1
        return outputs * math.prod(weights[2:] if grouped else weights[1:])
    if kind == "Deconvolution" and len(shapes) > 1:
        weights = shapes[1]
        grouped = len(weights) == len(out) + 1
        return math.prod(shapes[0]) * math.prod(weights[2:] if grouped else weights[1:])
    if kind in ("MatMul", "FullyConnected") and shapes and out:
        # Whichever axis of the first input is not in the output is summed over.
        return outputs * max(1, math.prod(shapes[0]) // max(1, math.prod(out[:-1])))
    return 0


def _text(facts: Any, key: str) -> str:
    if key not in facts:
        return ""
    value = facts[key]
    return str(getattr(value, "value", value))
