"""Why a layer is far from what the machine could do, and what to do about it."""

from __future__ import annotations

from paretune.core import LayerTime

#: Multiply-accumulates for a byte moved, under which memory decides on any CPU.
MEMORY_BOUND = 2.0
#: Share of a limit that no layer of such falls below for waiting for memory: caches are about ten
#: times as fast as memory, and the limit is theirs where the data would fit.
SLOW_KERNEL = 0.05
#: Microseconds that a layer takes whatever it does: starting threads and waiting for them.
LEAST_US = 4.0
_REORDERS = ("Reorder", "Convert", "Transpose", "Permute", "Reshape")
_GATES = ("Reduce", "ReduceMean", "Pooling", "AvgPool", "MaxPool")
_POINTWISE = ("Eltwise", "Subgraph", "Math", "Multiply", "Add", "Swish", "HSwish", "Gelu")
_PRODUCTS = ("Convolution", "FullyConnected", "MatMul", "Deconvolution")
_GROUPED = "GroupConvolution"


def why(layer: LayerTime, precision: str, fraction: float) -> str:
    """One sentence with the mend, empty where nothing stands out.

    Args:
        layer: as profiled, with its work.
        precision: of the whole program.
        fraction: of the limit that it reaches.
    """
    macs, moved = layer.macs or 0, layer.moved or 0
    multiplies = layer.op == _GROUPED or layer.op.startswith(_PRODUCTS)
    if layer.op in _REORDERS:
        return (
            "only changes layout or precision: its neighbours disagree; a chain of layers in one "
            "precision needs none"
        )
    if precision == "int8" and layer.precision == "f32" and multiplies:
        return "runs in f32 between int8 layers: try another recipe, or an operator that int8 has"
    if layer.op in _GATES:
        return "pools for a gate or a head: squeeze-excite costs a pass over memory; leave it out"
    if layer.op in _POINTWISE:
        in_f32 = " in f32" if layer.precision == "f32" and precision == "int8" else ""
        return (
            f"an activation, sum or gate of its own{in_f32}: ReLU is fused into the layer before "
            "it, SiLU and squeeze-excite are not always"
        )
    if layer.op == _GROUPED:
        return (
            "depthwise: it multiplies little with what it loads, so the vector units wait; a dense "
            "3x3 (a fused block) does more in the same time"
        )
    if multiplies and moved and macs / moved < MEMORY_BOUND:
        if fraction < SLOW_KERNEL:
            return (
                f"far from what even memory allows: the kernel ({layer.kernel or 'untold'}) is "
                "slow; another precision or runtime may have a better one"
            )
        return (
            f"{macs / moved:.1f} multiply-adds for a byte moved: weights that are used once, as in "
            "a classifier's last layer; memory decides"
        )
    if layer.microseconds < LEAST_US:
        return "too small to keep the cores busy: fewer and wider layers lose less"
    if multiplies and layer.moved is not None and fraction < 0.5:
        return "its shape does not fill the vector units: channels in multiples of 16 or 64 do"
    return ""
