"""What stands in the places of replaced modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Seat(nn.Module):
    """Holds a replacement where a block's first module was.

    Whatever else the block was passed, such as an attention mask, reaches the replacement only if
    it asks for it (`takes_extras`), and the tensor goes back in the structure that the network
    expects from the block's last module.

    Args:
        module: takes a tensor and gives one.
        outer: where the network expects the tensor: -1 for the tensor itself, else in a tuple.
        beside: all of that tuple as far as it is plain values, None in other places.
    """

    def __init__(self, module: nn.Module, outer: int = -1, beside: tuple[Any, ...] = ()) -> None:
        super().__init__()
        self.module = module
        self.outer, self.beside = outer, beside

    def forward(self, x: torch.Tensor, *extras: Any, **named: Any) -> Any:
        """The replacement's tensor, wrapped as the block's was."""
        if getattr(self.module, "takes_extras", False):
            made = self.module(x, *extras, **named)
        else:
            made = self.module(x)
        return wrapped(made, self.outer, self.beside)


class Pass(nn.Module):
    """Gives back what it is given: where further modules of a replaced run were.

    Args:
        outer: as `Seat`.
        beside: as `Seat`.
    """

    def __init__(self, outer: int = -1, beside: tuple[Any, ...] = ()) -> None:
        super().__init__()
        self.outer, self.beside = outer, beside

    def forward(self, x: torch.Tensor, *extras: Any, **named: Any) -> Any:
        """The tensor itself, wrapped as the block's was."""
        return wrapped(x, self.outer, self.beside)


class Run(nn.Module):
    """Consecutive blocks as one module: tensor in, tensor out.

    Every block is passed the same extras, as the layers of an encoder are passed one mask.

    Args:
        modules: of every block, those of one block together.
        outers: where each block's last module gives its tensor.
    """

    takes_extras = True

    def __init__(self, modules: list[list[nn.Module]], outers: list[int]) -> None:
        super().__init__()
        self.members = nn.ModuleList(member for members in modules for member in members)
        self.sizes = [len(members) for members in modules]
        self.outers = list(outers)

    def forward(self, x: torch.Tensor, *extras: Any, **named: Any) -> torch.Tensor:
        """The last block's tensor."""
        members = iter(self.members)
        for size, outer in zip(self.sizes, self.outers, strict=True):
            value: Any = x
            for _ in range(size):
                value = next(members)(value, *extras, **named)
            x = value if outer < 0 else value[outer]
        return x

    def apart(self) -> list[Run]:
        """Every block as a run of its own; the modules are shared."""
        members = iter(self.members)
        return [
            Run([[next(members) for _ in range(size)]], [outer])
            for size, outer in zip(self.sizes, self.outers, strict=True)
        ]


class Bound(nn.Module):
    """A module with the further arguments of its call filled in."""

    def __init__(self, module: nn.Module, extras: tuple[Any, ...], named: dict[str, Any]) -> None:
        super().__init__()
        self.module = module
        self.extras, self.named = extras, named

    def forward(self, x: torch.Tensor) -> Any:
        """What the module gives."""
        return self.module(x, *self.extras, **self.named)


def wrapped(tensor: torch.Tensor, outer: int, beside: tuple[Any, ...] = ()) -> Any:
    """The tensor in the place where the network looks for it, with what it finds beside it."""
    if outer < 0:
        return tensor
    before = beside[:outer] or (None,) * outer
    return (*before, tensor, *beside[outer + 1 :])
