"""int8 arithmetic simulated in float, so that training meets its rounding.

What post-training quantisation does later is done here on the way forward: weights of convolutions
and linear layers are rounded to 8 bits a channel of their output, their inputs to 8 bits a tensor,
both symmetric around zero (inputs that are never negative use the whole range above it); gradients
pass through as if nothing had been rounded, except where a value was cut off (Jacob et al. 2018,
arXiv 1712.05877, section 3). BatchNorm is folded into weights later, which scales whole channels
and changes nothing. Nothing stays behind: afterwards the module is the plain one that it was, and
any runtime quantises it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Share of a new batch in the range of an input while training.
MOMENTUM = 0.05
_LOW, _HIGH = "int8_low", "int8_high"
#: Ends of the names of ranges among a module's buffers.
RANGES = (f".{_LOW}", f".{_HIGH}")


@contextmanager
def simulated(
    module: nn.Module, calibration: Iterable[Sequence[torch.Tensor]]
) -> Iterator[nn.Module]:
    """The module itself, computing in simulated int8 inside the block.

    Ranges of inputs are buffers of the layers, so that whatever saves, averages or moves the module
    takes them along; they follow the data in train mode and stand still in eval mode.

    Args:
        module: in any mode; left in eval mode.
        calibration: batches of its inputs that ranges begin with.
    """
    import torch

    layers = [layer for layer in module.modules() if _is_quantised(layer)]
    module.eval()
    try:
        with _hooked(layers, _observe), torch.no_grad():
            for inputs in calibration:
                module(*inputs)
        # A layer that calibration did not reach has no range, and none of its inputs is rounded.
        reached = [layer for layer in layers if hasattr(layer, _LOW)]
        with _hooked(reached, _quantise):
            yield module
    finally:
        for layer in layers:
            layer._buffers.pop(_LOW, None)
            layer._buffers.pop(_HIGH, None)
        module.eval()


def _is_quantised(layer: nn.Module) -> bool:
    from torch import nn

    return isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))


@contextmanager
def _hooked(layers: Sequence[nn.Module], before: Any) -> Iterator[None]:
    hooks = [layer.register_forward_pre_hook(before) for layer in layers]
    hooks += [layer.register_forward_hook(_restore, always_call=True) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _observe(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Widen a layer's range by a batch: the mean over all batches of calibration."""
    low, high = _range(inputs[0])
    if hasattr(layer, _LOW):
        _follow(layer, low, high, 0.5)
    else:
        layer.register_buffer(_LOW, low)
        layer.register_buffer(_HIGH, high)


def _quantise(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Round a layer's input, and put a rounded weight in front of its own."""
    if layer.training:
        _follow(layer, *_range(inputs[0]), MOMENTUM)
    low, high = getattr(layer, _LOW), getattr(layer, _HIGH)
    # Seen by attribute access before the parameter, which stays where optimisers know it.
    layer.__dict__["weight"] = _rounded_weight(layer._parameters["weight"])
    return (_rounded_input(inputs[0], low, high), *inputs[1:])


def _restore(layer: nn.Module, _inputs: Any, _output: Any) -> None:
    layer.__dict__.pop("weight", None)


def _range(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over samples of least and greatest value, as quantisers that calibrate take it."""
    flat = x.detach().float().flatten(1)
    return flat.amin(1).mean(), flat.amax(1).mean()


def _follow(layer: nn.Module, low: torch.Tensor, high: torch.Tensor, share: float) -> None:
    getattr(layer, _LOW).lerp_(low, share)
    getattr(layer, _HIGH).lerp_(high, share)


def _rounded_input(x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    import torch

    zero = torch.zeros((), dtype=torch.int32, device=x.device)
    if bool(low >= 0):
        scale = (high / 255).clamp_min(1e-8)
        return torch.fake_quantize_per_tensor_affine(x.float(), scale, zero, 0, 255)
    scale = (torch.maximum(high, -low) / 127).clamp_min(1e-8)
    return torch.fake_quantize_per_tensor_affine(x.float(), scale, zero, -128, 127)


def _rounded_weight(weight: Any) -> torch.Tensor:
    import torch

    scale = (weight.detach().float().flatten(1).abs().amax(1) / 127).clamp_min(1e-8)
    zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
    rounded: torch.Tensor = torch.fake_quantize_per_channel_affine(
        weight.float(), scale, zero, 0, -127, 127
    )
    return rounded
