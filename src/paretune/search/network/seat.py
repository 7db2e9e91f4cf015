"""What stands in the places of replaced modules."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class Place(nn.Module):
    """Stands where a module was, and answers for it.

    The tensor goes back in the structure that the network expects from that module. Some networks
    ask their modules for settings, too: PyTorch's own encoder asks its first layer for its
    attention's. What this one has not, it has of the module that was here.

    Args:
        was: see `settings`.
        outer: where the network expects the tensor: -1 for the tensor itself, else in a tuple.
        beside: all of that tuple as far as it is plain values, None in other places.
    """

    def __init__(
        self, was: Mapping[str, Any], outer: int = -1, beside: tuple[Any, ...] = ()
    ) -> None:
        super().__init__()
        self.outer, self.beside = outer, beside
        # Plain attributes: what is asked for them is no part of the network.
        self.__dict__.update({name: x for name, x in was.items() if not hasattr(self, name)})


def settings(module: nn.Module) -> dict[str, Any]:
    """What a module can be asked for besides its tensors, of which its parts have shapes alone."""
    tensors = [*module.parameters(), *module.buffers()]
    husk = copy.deepcopy(module, {id(x): x.detach().to("meta") for x in tensors})
    own = {name: x for name, x in vars(husk).items() if not name.startswith("_")}
    return own | dict(husk.named_children())


class Seat(Place):
    """Holds a replacement where a block's first module was.

    Whatever else the block was passed, such as an attention mask, reaches the replacement only if
    it asks for it (`takes_extras`).

    Args:
        module: takes a tensor and gives one.
        was: as `Place`, and so are `outer` and `beside`.
    """

    def __init__(
        self,
        module: nn.Module,
        was: Mapping[str, Any],
        outer: int = -1,
        beside: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(was, outer, beside)
        self.module = module

    def forward(self, x: torch.Tensor, *extras: Any, **named: Any) -> Any:
        """The replacement's tensor, wrapped as the block's was."""
        if getattr(self.module, "takes_extras", False):
            made = self.module(x, *extras, **named)
        else:
            made = self.module(x)
        return wrapped(made, self.outer, self.beside)


class Pass(Place):
    """Gives back what it is given: where further modules of a replaced run were."""

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
