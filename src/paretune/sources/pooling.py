"""Average pooling whose window is larger than the map: global pooling, said in a way few can run.

Transformers' EfficientNet ends in `AvgPool2d(hidden_dim, ceil_mode=True)`; PyTorch clips the window
to the map, while other runtimes refuse a window that does not fit.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def with_global_pooling(module: nn.Module, example: tuple[Any, ...]) -> nn.Module:
    """The module, or a copy in which every clipped window is global average pooling.

    Args:
        module: left as it is.
        example: inputs to run it once on, to see the maps.
    """
    import torch
    from torch import nn

    clipped: set[str] = set()
    hooks = []

    def watch(name: str, pool: nn.AvgPool2d) -> Any:
        def look(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            window = torch.nn.modules.utils._pair(pool.kernel_size)
            if all(w >= size for w, size in zip(window, inputs[0].shape[-2:], strict=True)):
                clipped.add(name)

        return look

    for name, child in module.named_modules():
        if isinstance(child, nn.AvgPool2d) and child.ceil_mode and child.padding in (0, (0, 0)):
            hooks.append(child.register_forward_pre_hook(watch(name, child)))
    if not hooks:
        return module
    try:
        with torch.inference_mode():
            module(*example)
    finally:
        for hook in hooks:
            hook.remove()
    if not clipped:
        return module
    replaced = copy.deepcopy(module)
    for name in clipped:
        replaced.set_submodule(name, nn.AdaptiveAvgPool2d(1))
    return replaced
