"""What one candidate alone does to the whole network's outputs.

The blocks before it give what they always give, so that is read from the record, and only the rest
of the network is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from paretune.search.blocks import Block
from paretune.search.library._picked import Picked
from paretune.search.library._record import BATCH, first_tensor
from paretune.search.library._reel import Reel, exit_of
from paretune.search.network.compose import compose


class Replay(nn.Module):
    """Gives what a block gave for the samples that are being run.

    Args:
        recorded: its outputs, bfloat16 (n, ...).
        position: one for all: where the samples of the present batch begin.
    """

    def __init__(self, recorded: torch.Tensor, position: list[int]) -> None:
        super().__init__()
        self._recorded = recorded
        self._position = position

    def __deepcopy__(self, _: Any) -> Replay:
        return self  # composing copies pieces, and a copy would load the whole record

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The recorded outputs of as many samples as `x` has, float32."""
        start = self._position[0]
        return self._recorded[start : start + len(x)].float()


def swapped(
    module: nn.Module,
    blocks: Sequence[Block],
    first: int,
    last: int,
    piece: nn.Module,
    *,
    samples: Picked,
    reel: Reel,
) -> torch.Tensor:
    """The network's outputs with one run of blocks replaced, float32 (reel.n, ...).

    Args:
        module: the baseline.
        blocks: its blocks.
        first: first block of the run.
        last: its last block.
        piece: what replaces it.
        samples: the network's inputs.
        reel: what its blocks gave for them.
    """
    position = [0]
    pieces: dict[tuple[int, int], nn.Module] = {(first, last): piece}
    for block in blocks[:first]:
        recorded = reel.activations(exit_of(block.index), block.output_shape)
        pieces[block.index, block.index] = Replay(recorded, position)
    network = compose(module, blocks, pieces)
    made = []
    with torch.no_grad():
        for start in range(0, reel.n, BATCH):
            position[0] = start
            inputs = samples.inputs(range(start, min(start + BATCH, reel.n)))
            made.append(first_tensor(network(*inputs)).float())
    return torch.cat(made)
