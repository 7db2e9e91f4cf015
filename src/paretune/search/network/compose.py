"""Putting replacements into a copy of the baseline."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from paretune.search.blocks import Block
from paretune.search.network.seat import Pass, Seat


def compose(
    baseline: nn.Module, blocks: Sequence[Block], pieces: Mapping[tuple[int, int], nn.Module]
) -> nn.Module:
    """A network of its own in which runs of blocks are replaced.

    Args:
        baseline: left as it is; what is kept is copied, and so are the pieces.
        blocks: its blocks.
        pieces: (first, last) block indices -> the module that takes the place of that run.
    """
    gone = {path for first, last in pieces for b in blocks[first : last + 1] for path in b.members}
    # Modules that go are not copied: a search composes thousands of networks.
    memo: dict[int, Any] = {id(m): m for m in (baseline.get_submodule(path) for path in gone)}
    network = copy.deepcopy(baseline, memo)
    for (first, last), piece in pieces.items():
        own = copy.deepcopy(piece)
        places = [(b, path) for b in blocks[first : last + 1] for path in b.members]
        for block, path in places:
            ends = path == block.members[-1]
            _put(network, path, Pass(block.outer if ends else -1))
        head = blocks[first].members
        outer = blocks[first].outer if len(head) == 1 else -1
        _put(network, head[0], Seat(own, outer))
    return network.eval()


def _put(network: nn.Module, path: str, module: nn.Module) -> None:
    """Set the module at a path."""
    holder, _, name = path.rpartition(".")
    parent = network.get_submodule(holder)
    if isinstance(parent, nn.Sequential | nn.ModuleList):
        parent[int(name)] = module
    elif isinstance(parent, nn.ModuleDict):
        parent[name] = module
    else:
        setattr(parent, name, module)
