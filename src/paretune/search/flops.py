"""FLOPs of a module, counted by running it once.

One multiply-add is two FLOPs, as `torch.utils.flop_counter` counts, and matrix products,
convolutions and attention are what is counted.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paretune.search.eval_mode import in_eval_mode

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode


_Shape = tuple[Any, ...]
#: By module, then by input shape. A module that is gone takes its counts with it.
_COUNTED: weakref.WeakKeyDictionary[Any, dict[_Shape, int]] = weakref.WeakKeyDictionary()


def flops(module: nn.Module, inputs: Sequence[torch.Tensor], *, backward: bool = False) -> int:
    """FLOPs of one sample through a module, counted once per input shape and remembered.

    Args:
        module: in any mode; it is left as it was.
        inputs: one batch of its inputs, batch on axis 0; values do not matter.
        backward: count the gradients of what is trainable now, too.

    Returns:
        FLOPs of forward, or of forward and backward, for one sample; a multiply-add is two.
    """
    known = _COUNTED.setdefault(module, {})
    trainable = tuple(p.requires_grad for p in module.parameters()) if backward else None
    key = (*(tuple(x.shape[1:]) for x in inputs), trainable)
    if key not in known:
        known[key] = _count(module, inputs, backward)
    return known[key]


def _count(module: nn.Module, inputs: Sequence[torch.Tensor], backward: bool) -> int:
    import torch

    # A copy, since running it would move BatchNorm statistics; in eval mode one sample suffices.
    subject = in_eval_mode(_copied(module)).cpu()
    one = [x[:1].detach().cpu() for x in inputs]
    with counting() as counter, torch.set_grad_enabled(backward):
        outputs = subject(*one)
        first = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
        if backward and first.requires_grad:
            first.float().sum().backward()
    return int(counter.get_total_flops())


def _copied(module: nn.Module) -> nn.Module:
    """A copy, without what the module kept of a pass that gradients followed."""
    modes = {part: part.training for part in module.modules()}
    in_eval_mode(module)
    for part, training in modes.items():
        part.training = training
    return copy.deepcopy(module)


@contextmanager
def counting() -> Iterator[FlopCounterMode]:
    """Count what is computed inside, attention by its plain products.

    Fused kernels for it, on CPUs and in PyTorch's own transformer layers, are unknown to the
    counter, which would take them for nothing.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
