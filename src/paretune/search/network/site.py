"""Sites: runs of blocks as they stand in the network, with real inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from paretune.search.blocks import Block
from paretune.search.network.layout import Planes, is_image
from paretune.search.network.seat import Run


@dataclass(frozen=True)
class Flow:
    """What one block received and gave in one run of the network.

    Attributes:
        x: its input tensor, batch on axis 0.
        extras: its further positional arguments.
        named: its keyword arguments.
        y: its output tensor.
        takes_image: whether `x` is (n, C, H, W): two-dimensional layers of the block say so.
        gives_image: whether `y` is.
    """

    x: torch.Tensor
    extras: tuple[Any, ...]
    named: dict[str, Any]
    y: torch.Tensor
    takes_image: bool = False
    gives_image: bool = False

    def head(self, samples: int) -> Flow:
        """The same for the first samples only."""
        rows = {name: x[:samples] for name, x in rows_of_extras(self).items()}
        extras, named = passed(self, rows)
        x, y = self.x[:samples], self.y[:samples]
        return replace(self, x=x, extras=extras, named=named, y=y)


@dataclass(frozen=True)
class Site:
    """Consecutive blocks of the baseline, which an operator may replace.

    Attributes:
        blocks: them, in order.
        module: the blocks as one module, its weights those of the baseline: copy before changing.
        flow: what the run received and gave for a few samples.
    """

    blocks: tuple[Block, ...]
    module: Run
    flow: Flow

    @property
    def first(self) -> Block:
        """The block whose input it takes."""
        return self.blocks[0]

    @property
    def last(self) -> Block:
        """The block whose output it gives."""
        return self.blocks[-1]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch axis."""
        return self.first.input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of one sample, without the batch axis."""
        return self.last.output_shape

    @property
    def is_image(self) -> bool:
        """Whether it maps (C, H, W) to (C', H', W'), and not (H, W, C) to (H', W', C')."""
        return self.flow.takes_image and self.flow.gives_image


def rows_of_extras(flow: Flow) -> dict[str, torch.Tensor]:
    """What a block is passed besides its input that differs by sample: an attention mask, say.

    Returns:
        By name, positional ones by number: tensors with the flow's batch on axis 0.
    """
    n = len(flow.x)
    given: dict[str, Any] = {str(i): x for i, x in enumerate(flow.extras)} | dict(flow.named)
    return {
        name: x
        for name, x in given.items()
        if isinstance(x, torch.Tensor) and x.dim() > 1 and len(x) == n
    }


def passed(flow: Flow, rows: Mapping[str, torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Extras of a call, positional and named: `rows` in the place of what differs by sample."""
    extras = tuple(rows.get(str(i), x) for i, x in enumerate(flow.extras))
    return extras, {name: rows.get(name, x) for name, x in flow.named.items()}


def flows(module: nn.Module, blocks: Sequence[Block], inputs: tuple[Any, ...]) -> list[Flow]:
    """What every block receives and gives when the network runs on `inputs`, without gradients."""
    found, versions = _run(module, blocks, inputs, clone=False)
    if versions != [(_version(flow.x), _version(flow.y)) for flow in found]:
        # What lies between blocks works in place, on what was meant to be kept.
        found, _ = _run(module, blocks, inputs, clone=True)
    return found


def _run(
    module: nn.Module, blocks: Sequence[Block], inputs: tuple[Any, ...], *, clone: bool
) -> tuple[list[Flow], list[tuple[int, int]]]:
    """One run, and the versions that inputs and outputs had when they were seen."""
    given: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}
    made: dict[str, torch.Tensor] = {}
    versions: dict[str, tuple[int, int]] = {}
    handles: list[Any] = []
    planes: dict[str, Planes] = {}

    def kept(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone() if clone else tensor

    for block in blocks:
        first, last = block.members[0], block.members[-1]

        def enter(_: Any, args: Any, kwargs: Any, name: str = first) -> None:
            x = kept(args[0])
            given[name] = (x, tuple(args[1:]), dict(kwargs))
            versions[name] = (_version(x), 0)

        def leave(_: Any, __: Any, output: Any, block: Block = block) -> None:
            first, last = block.members[0], block.members[-1]
            made[last] = kept(output if block.outer < 0 else output[block.outer])
            versions[first] = (versions[first][0], _version(made[last]))

        handles.append(
            module.get_submodule(first).register_forward_pre_hook(enter, with_kwargs=True)
        )
        handles.append(module.get_submodule(last).register_forward_hook(leave))
        planes[first] = Planes(module.get_submodule(path) for path in block.members)
        handles.append(planes[first])
    try:
        with torch.no_grad():
            # The network may work in place on what it is given.
            module(*(x.clone() if isinstance(x, torch.Tensor) else x for x in inputs))
    finally:
        for handle in handles:
            handle.remove()
    found = [
        Flow(
            *given[block.members[0]],
            made[block.members[-1]],
            takes_image=is_image(block.input_shape, planes[block.members[0]].read),
            gives_image=is_image(block.output_shape, planes[block.members[0]].made),
        )
        for block in blocks
    ]
    return found, [versions[block.members[0]] for block in blocks]


def _version(tensor: torch.Tensor) -> int:
    """How often a tensor's memory was written to in place."""
    return 0 if tensor.is_inference() else tensor._version


def site(
    module: nn.Module, blocks: Sequence[Block], flowing: Sequence[Flow], first: int, last: int
) -> Site:
    """The site of the blocks `first` to `last`, inclusive.

    Args:
        module: the baseline.
        blocks: all of its blocks.
        flowing: what each block received and gave.
        first: index of the first block.
        last: index of the last block.
    """
    run = tuple(blocks[first : last + 1])
    modules = [[module.get_submodule(path) for path in block.members] for block in run]
    begin, end = flowing[first], flowing[last]
    return Site(
        blocks=run,
        module=Run(modules, [block.outer for block in run]),
        flow=replace(begin, y=end.y, gives_image=end.gives_image),
    )
