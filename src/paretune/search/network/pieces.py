"""Small modules that operators put into copies of blocks."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from paretune.search.network.seat import Run
from paretune.search.network.site import Flow, Site


class Bound(nn.Module):
    """A copy of a site's run with what it is passed besides, so that it takes one tensor.

    Args:
        run: it is copied.
        flow: where the further arguments come from.
    """

    def __init__(self, run: Run, flow: Flow) -> None:
        super().__init__()
        self.run = copy.deepcopy(run).eval()
        self._extras = flow.extras
        self._named = flow.named

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The run's output tensor; the batch must be the one that the extras were made for."""
        # A block may write into what it is given, and that is read again.
        made: torch.Tensor = self.run(x.clone(), *self._extras, **self._named)
        return made


class Scale(nn.Module):
    """A constant factor for every channel.

    Args:
        factor: (c,).
    """

    def __init__(self, factor: torch.Tensor) -> None:
        super().__init__()
        self.factor = nn.Parameter(factor.detach().clone()[:, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) to the same."""
        return x * self.factor


class Constant(nn.Module):
    """The same vector at every position, whatever comes in: one that broadcasts.

    It does not read its input at all, not even its shape, so that whatever was computed for it
    alone falls out of an exported or traced graph.

    Args:
        value: (c,).
        dims: axes of the tensor that it stands for.
    """

    def __init__(self, value: torch.Tensor, dims: int) -> None:
        super().__init__()
        self.value = nn.Parameter(value.detach().clone().reshape(*([1] * (dims - 1)), -1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of shape (1, ..., 1, c)."""
        return self.value + 0.0


class Instead(nn.Module):
    """Stands for a module that gives a tuple, of which only one tensor matters.

    Args:
        module: takes the tensor that comes in first and gives that one tensor.
        place: of the tensor in the tuple; -1 where the tensor goes alone.
        size: of the tuple; whatever else was in it is None.
    """

    def __init__(self, module: nn.Module, place: int, size: int) -> None:
        super().__init__()
        self.module = module
        self._place = place
        self._size = size

    def forward(self, x: torch.Tensor, *extras: Any, **named: Any) -> Any:
        """What the network expects in that place."""
        made = self.module(x)
        if self._place < 0:
            return made
        return tuple(made if i == self._place else None for i in range(self._size))


def bound(site: Site) -> Bound:
    """A copy of a site's blocks that may be changed."""
    return Bound(site.module, site.flow)


def example(site: Site) -> torch.Tensor:
    """An input to try a copy on: one sample where nothing else that is passed knows of a batch."""
    besides = (*site.flow.extras, *site.flow.named.values())
    return site.flow.x if any(map(_tensors, besides)) else site.flow.x[:1]


def replace(root: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` wherever `old` stands in `root`, under every name it has there."""
    for name, module in list(root.named_modules(remove_duplicate=False)):
        if module is old:
            root.set_submodule(name, new)


def _tensors(value: Any) -> bool:
    """Whether a structure holds a tensor."""
    if isinstance(value, dict):
        return any(map(_tensors, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_tensors, value))
    return isinstance(value, torch.Tensor)
