"""Putting replacements into a copy of the baseline."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from paretune.core import UnsupportedError
from paretune.search.blocks import Block
from paretune.search.network.seat import Pass, Seat, settings

#: By module: a search composes thousands of networks of the same ones.
_SETTINGS: weakref.WeakKeyDictionary[nn.Module, dict[str, Any]] = weakref.WeakKeyDictionary()


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
                last_one, was = path == block.members[-1], baseline.get_submodule(path)
                form = (block.outer, block.beside) if last_one else (-1, ())
                if path == run[0].name:
                    memo[id(was)] = Seat(copy.deepcopy(piece), _settings(was), *form)
                else:
                    memo[id(was)] = Pass(_settings(was), *form)
    network = copy.deepcopy(baseline, memo).eval()
    for first, last in pieces:
        for path in (path for block in blocks[first : last + 1] for path in block.members):
            if not isinstance(network.get_submodule(path), Seat | Pass):
                raise UnsupportedError(f"{path} cannot be replaced: what holds it copies itself")
    return network


def _settings(module: nn.Module) -> dict[str, Any]:
    if module not in _SETTINGS:
        _SETTINGS[module] = settings(module)
    return _SETTINGS[module]
