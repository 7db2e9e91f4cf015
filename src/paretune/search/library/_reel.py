"""Activations on disk: what stands between the blocks for many samples, recorded once.

A teacher's forward pass up to a block costs more than a training step of the block's replacement,
and every candidate at a place needs the same tensors, so they are recorded once and read by all
processes from one memory map. They are kept in bfloat16: the rounding, 2^-9 of a value, lies far
below any candidate's error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from paretune.search.blocks import Block


@dataclass(frozen=True)
class Reel:
    """Tensors of `n` samples each, by name, one file a name.

    Attributes:
        folder: where the files are.
        n: samples.
    """

    folder: Path
    n: int

    def strip(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        """The tensor (n, *shape) of that name, backed by its file, which is made if absent."""
        size = self.n * math.prod(shape)
        flat = torch.from_file(
            str(self.folder / f"{name}.bin"), shared=True, size=size, dtype=dtype
        )
        return flat.view(self.n, *shape)

    def activations(self, name: str, shape: Sequence[int]) -> torch.Tensor:
        """The activations of that name, bfloat16 (n, *shape)."""
        return self.strip(name, shape, torch.bfloat16)


def entrance(blocks: Sequence[Block], index: int) -> str:
    """Name of what goes into a block: the output of the one before where nothing lies between."""
    return f"out-{index - 1}" if blocks[index].follows else f"in-{index}"


def exit_of(index: int) -> str:
    """Name of what comes out of a block."""
    return f"out-{index}"


def held_bytes(blocks: Sequence[Block]) -> int:
    """Bytes that one sample of those takes that candidates are judged on: all that is ever read."""
    made = sum(math.prod(block.output_shape) for block in blocks)
    apart = sum(math.prod(block.input_shape) for block in blocks if not block.follows)
    return 2 * (made + apart)


def sample_bytes(blocks: Sequence[Block]) -> int:
    """Most bytes that one sample takes: all inputs and outputs, and all inputs once more, drifted.

    Files of what no candidate needs are never made, so that less may be taken.
    """
    inside = sum(math.prod(block.input_shape) for block in blocks)
    made = sum(math.prod(block.output_shape) for block in blocks)
    apart = sum(math.prod(block.input_shape) for block in blocks if not block.follows)
    return 2 * (inside + made + apart)
