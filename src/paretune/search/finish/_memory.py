"""How many samples can be trained on at once, by what their activations take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import TYPE_CHECKING

from paretune.core import UnsupportedError
from paretune.engine import machine
from paretune.search.finish._accelerator import out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Bytes that training takes over those of the activations that wait for their gradients: the
#: gradients themselves, and what kernels need beside them.
OVER = 1.5
#: Part of the free memory that may be filled. A system that has none left kills without a word.
PART = 0.7


def fitting(
    module: nn.Module,
    inputs: Sequence[torch.Tensor],
    most: int,
    *,
    precision: Callable[[], AbstractContextManager[object]],
) -> int:
    """How many samples' activations fit into this machine's memory, at least 1.

    Args:
        module: is run in eval mode, which changes nothing in it, and left in the mode it was in.
        inputs: two samples, batch on axis 0: what one alone keeps may be of the weights.
        most: samples wanted.
        precision: context that it is trained in.

    Raises:
        UnsupportedError: not even these.
    """
    try:
        one, two = (
            OVER * activation_bytes(module, [x[:count].clone() for x in inputs], precision)
            for count in (1, 2)
        )
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise UnsupportedError(
            "out of memory with two samples: give a machine with more memory"
        ) from error
    each, whatever = max(two - one, 1.0), max(2 * one - two, 0.0)
    room = PART * machine.free_memory_mb() * 1e6 - whatever
    return max(1, min(most, int(room / each)))


def activation_bytes(
    module: nn.Module,
    inputs: Sequence[torch.Tensor],
    precision: Callable[[], AbstractContextManager[object]],
) -> int:
    """Bytes that a forward pass keeps for the backward pass, but for the weights themselves."""
    import torch

    own = {x.untyped_storage().data_ptr() for x in chain(module.parameters(), module.buffers())}
    kept: dict[int, int] = {}

    def keep(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return x

    training = module.training
    module.eval()
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x), precision():
            made = module(*inputs)  # held until all is counted, so that no address is used twice
        del made
    finally:
        module.train(training)
    return sum(kept.values())
