"""Accelerate, so that GPUs, precision and several processes are configuration and not code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from paretune.core import MissingPackageError
from paretune.engine import machine

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


def accelerator() -> Accelerator:
    """The process's accelerator, as `accelerate config` or `accelerate launch` set it up.

    Raises:
        MissingPackageError: Accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ModuleNotFoundError:
        raise MissingPackageError(
            "distilling needs the package accelerate, which is not installed: "
            "pip install 'paretune[torch]'"
        ) from None
    return Accelerator()


def precision(device: Accelerator, wanted: str) -> Callable[[], AbstractContextManager[Any]]:
    """What forward passes run in: as configured, else bfloat16 where that is faster.

    Args:
        device: the accelerator.
        wanted: `auto` or `f32`.
    """
    import torch

    if wanted == "f32":
        return nullcontext
    if device.mixed_precision != "no":
        configured: Callable[[], AbstractContextManager[Any]] = device.autocast
        return configured
    kind = device.device.type
    able = multiplies_bf16(kind)
    return (lambda: torch.autocast(kind, torch.bfloat16)) if able else nullcontext


def multiplies_bf16(kind: str) -> bool:
    """Whether a kind of device, such as `cpu` or `cuda`, has bfloat16 in hardware here."""
    import torch

    if kind == "cpu":
        return machine.detect().multiplies_bf16
    return kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a smaller batch would do."""
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(error, MemoryError) or (
        isinstance(error, Exception) and should_reduce_batch_size(error)
    )


def clear_memory() -> None:
    """Give back what a failed attempt holds."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)


def agreed(value: float, device: torch.device) -> float:
    """The first process's value, in every process."""
    import torch
    from accelerate.utils import broadcast

    return float(broadcast(torch.tensor([value], dtype=torch.float64, device=device))[0])
