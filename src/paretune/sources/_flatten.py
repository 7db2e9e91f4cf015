"""A module whose outputs are plain tensors, in order, whatever the wrapped one returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn


def tensors_of(outputs: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in nested dictionaries, tuples and lists, in order, with a name.

    A tensor under a dictionary key is named by it; others have no name.
    """
    if isinstance(outputs, torch.Tensor):
        yield name, outputs
    elif isinstance(outputs, Mapping):
        for key, value in outputs.items():
            yield from tensors_of(value, str(key))
    elif isinstance(outputs, (tuple, list)):
        fields = getattr(outputs, "_fields", ("",) * len(outputs))
        for field, value in zip(fields, outputs, strict=True):
            yield from tensors_of(value, field)


class TensorOutputs(nn.Module):
    """Calls `module` and returns its tensors alone: one as it is, several as a tuple.

    Attributes:
        module: the wrapped module.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Outputs of `module(*inputs)` as tensors."""
        return _plain(self.module(*inputs))


class NamedInputs(nn.Module):
    """Calls `module` with keyword inputs, for a `forward` whose parameters come in another order.

    Attributes:
        module: the wrapped module.
        names: keyword of each input, in call order.
        output: which entry of the module's output mapping is returned; every tensor by default.
    """

    def __init__(
        self, module: nn.Module, names: tuple[str, ...], output: str | None = None
    ) -> None:
        super().__init__()
        self.module = module
        self.names = names
        self.output = output

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The chosen output of `module(**inputs)`, or all of them as tensors."""
        answer = self.module(**dict(zip(self.names, inputs, strict=True)))
        return _plain(answer) if self.output is None else answer[self.output]


def _plain(outputs: Any) -> Any:
    tensors = tuple(tensor for _, tensor in tensors_of(outputs))
    return tensors[0] if len(tensors) == 1 else tensors
