"""Putting replacements into a copy of the baseline."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from paretune.core import UnsupportedError
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

    Raises:
        UnsupportedError: a module that copies itself in a way of its own kept a block.
    """
    # A deep copy puts what `memo` names wherever the original stands, under as many names as it
    # has, and copies nothing of it: a search composes thousands of networks.
    memo: dict[int, Any] = {}
    for (first, last), piece in pieces.items():
        run = blocks[first : last + 1]
        for block in run:
            for path in block.members:
                last_one = path == block.members[-1]
                seat = Pass(block.outer, block.beside) if last_one else Pass()
                memo[id(baseline.get_submodule(path))] = seat
        head, piece = run[0], copy.deepcopy(piece)
        alone = len(head.members) == 1
        seat = Seat(piece, head.outer, head.beside) if alone else Seat(piece)
        memo[id(baseline.get_submodule(head.name))] = seat
    network = copy.deepcopy(baseline, memo).eval()
    for first, last in pieces:
        for path in (path for block in blocks[first : last + 1] for path in block.members):
            if not isinstance(network.get_submodule(path), Seat | Pass):
                raise UnsupportedError(f"{path} cannot be replaced: what holds it copies itself")
    return network
