"""Running the baseline, or a network with some blocks replaced, and keeping what flows between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from paretune.core import InputError
from paretune.search.blocks import Block
from paretune.search.library._picked import Picked
from paretune.search.library._reel import Reel, entrance, exit_of
from paretune.search.network.site import Flow, flows, rows_of_extras

#: Samples of one forward pass.
BATCH = 32
OUTPUTS = "outputs"


def record(
    module: nn.Module,
    blocks: Sequence[Block],
    samples: Picked,
    reel: Reel,
    rows: range,
    *,
    names: Iterable[str],
    extras: Mapping[int, Flow],
    outputs: bool,
) -> None:
    """Keep what the baseline's blocks receive and give for some samples.

    Args:
        module: the baseline.
        blocks: its blocks.
        samples: its inputs.
        reel: where activations go.
        rows: which samples.
        names: which activations, as `entrance` and `exit_of` name them.
        extras: blocks whose further arguments are kept, with a flow that has them all.
        outputs: whether the network's outputs are kept, too, as float32.
    """
    wanted = set(names)
    for batch in _batches(rows):
        given: list[torch.Tensor] = []
        handle = module.register_forward_hook(lambda _, __, y: given.append(first_tensor(y)))  # noqa: B023
        try:
            found = flows(module, blocks, samples.inputs(batch))
        finally:
            handle.remove()
        place = slice(batch.start, batch.stop)
        for block, flow in zip(blocks, found, strict=True):
            name = entrance(blocks, block.index)
            if name in wanted:
                reel.activations(name, flow.x.shape[1:])[place] = flow.x.bfloat16()
            if exit_of(block.index) in wanted:
                reel.activations(exit_of(block.index), flow.y.shape[1:])[place] = flow.y.bfloat16()
            if block.index in extras:
                _keep_extras(reel, block.index, flow, extras[block.index], place)
        if outputs:
            reel.strip(OUTPUTS, given[0].shape[1:], torch.float32)[place] = given[0].float()


def record_drift(
    network: nn.Module,
    blocks: Sequence[Block],
    samples: Picked,
    reel: Reel,
    rows: range,
    *,
    begins: Iterable[int],
    wanted: Iterable[int],
) -> None:
    """Keep what reaches some blocks when blocks before them are replaced.

    Args:
        network: composed, with what the baseline's blocks became.
        blocks: of the baseline.
        samples: inputs of the network.
        reel: where it goes; the baseline's own activations are there already and are taken where a
            block was merged into a run that begins before it.
        rows: which samples.
        begins: the blocks where a run begins in this network.
        wanted: blocks whose inputs are kept.
    """
    there, wanted = set(begins), list(wanted)
    for batch in _batches(rows):
        caught: dict[int, torch.Tensor] = {}
        handles = []
        for index in there.intersection(wanted):

            def enter(_: Any, args: Any, index: int = index, into: Any = caught) -> None:
                into[index] = args[0].clone()  # what follows may work in place

            inner = network.get_submodule(blocks[index].members[0])
            handles.append(inner.register_forward_pre_hook(enter))
        try:
            with torch.no_grad():
                network(*samples.inputs(batch))
        finally:
            for handle in handles:
                handle.remove()
        place = slice(batch.start, batch.stop)
        for index in wanted:
            shape = blocks[index].input_shape
            clean = reel.activations(entrance(blocks, index), shape)
            made = caught.get(index)
            if made is None or not made.isfinite().all():
                reel.activations(drifted(index), shape)[place] = clean[place]
            else:
                reel.activations(drifted(index), shape)[place] = made.bfloat16()


def drifted(index: int) -> str:
    """Name of what reaches a block when blocks before it are replaced."""
    return f"drift-{index}"


def extra(index: int, name: str) -> str:
    """Name of a further argument of a block."""
    return f"extra-{index}-{name}"


def first_tensor(output: Any) -> torch.Tensor:
    """The network's first output: the tensor itself, or the first one in a tuple or mapping.

    Raises:
        InputError: there is none.
    """
    if isinstance(output, torch.Tensor):
        return output
    inside = output.values() if hasattr(output, "values") else output
    if isinstance(output, tuple | list | dict) or hasattr(output, "values"):
        for part in inside:
            if isinstance(part, torch.Tensor):
                return part
    raise InputError("the model gives no tensor: wrap it so that it returns its logits")


def _keep_extras(reel: Reel, index: int, flow: Flow, known: Flow, place: slice) -> None:
    """Those that `known` has. A mask that a batch lacks, having nothing to mask, lets all pass."""
    given = rows_of_extras(flow)
    for name, x in rows_of_extras(known).items():
        strip = reel.strip(extra(index, name), x.shape[1:], x.dtype)
        strip[place] = given.get(name, torch.full((), x.dtype == torch.bool, dtype=x.dtype))


def _batches(rows: range) -> Iterable[range]:
    return (range(i, min(i + BATCH, rows.stop)) for i in range(rows.start, rows.stop, BATCH))
