"""The building end: composes networks and compiles them to int8, in a process of its own.

What is built here is right for speed and nothing else: it is calibrated on two samples, and a new
block's weights are as the operator left them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paretune.core import Model
from paretune.data import ArrayFolder
from paretune.runtimes._nncf import quantize
from paretune.runtimes.base import Program
from paretune.search.blocks import Block
from paretune.search.blocks._cost import macs_of, params_of
from paretune.search.blocks._trace import trace
from paretune.search.latency.attribution import Part
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP, Option
from paretune.sources.pooling import with_global_pooling

#: Samples that networks are calibrated on, and that flow through blocks to build what replaces
#: them: fewer than weights are fitted to, which would take ten times as long and change no speed,
#: and another number than what else is passed to a block may have rows, such as cosine and sine.
SAMPLES, FLOWING = 2, 3


class Compiler:
    """Holds one baseline.

    Args:
        model: with its module.
        blocks: its blocks.
        arrays: real inputs, two at least.
        using: operators to use, all by default.
        batch: samples that its programs take at once.
    """

    def __init__(
        self,
        model: Model,
        blocks: Sequence[Block],
        arrays: ArrayFolder,
        using: Sequence[str] = (),
        batch: int = 1,
    ) -> None:
        import torch

        from paretune.search.network.site import flows

        # What runs here is small; more threads would only wait for each other.
        torch.set_num_threads(1)
        self._model, self._batch = model, batch
        feeds = arrays.feeds(0, SAMPLES)
        self._feeds = {name: np.array(array) for name, array in feeds.items()}
        self._inputs = tuple(torch.from_numpy(self._feeds[i.name]) for i in model.inputs)
        self._module = with_global_pooling(model.module, self._inputs)
        some = arrays.feeds(0, min(arrays.n, FLOWING))
        rows = np.arange(FLOWING) % arrays.n
        example = tuple(torch.from_numpy(some[i.name][rows]) for i in model.inputs)
        flowing = flows(self._module, blocks, example)
        self._proposals = Proposals(self._module, blocks, flowing, using)
        self._built: dict[str, Any] = {}

    def program(self, ids: Sequence[str], folder: Path) -> tuple[Program, list[Part]]:
        """The network of these options as an int8 OpenVINO program, and its parts in call order.

        Raises:
            UnsupportedError: it cannot be converted or quantised.
        """
        import openvino as ov
        import torch

        from paretune.runtimes._common import attempt
        from paretune.search.network.compose import compose

        blocks = self._proposals.blocks
        options = [self._option(name) for name in ids]
        pieces = {(o.first, o.last): self._piece(o) for o in options if o.operator != KEEP}
        network = compose(self._module, blocks, pieces)
        calls = [np.arange(first, first + self._batch) % SAMPLES for first in range(SAMPLES)]
        example = tuple(tensor[torch.from_numpy(calls[0])] for tensor in self._inputs)
        with attempt("compiling a composed network"), torch.no_grad():
            # Tracing checks itself by tracing again, which takes as long as all the rest.
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                network, example, check_trace=False
            )
            shapes = [list(tensor.shape) for tensor in example]
            graph = ov.convert_model(traced, example_input=example, input=shapes)
            feeds = [{name: x[rows] for name, x in self._feeds.items()} for rows in calls]
            graph, isa = quantize(graph, self._model.inputs, feeds, recipe="quick")
            ov.save_model(graph, str(folder / "model.xml"), compress_to_fp16=False)
        program = Program(
            runtime="openvino",
            precision="int8",
            recipe="quick",
            folder=folder,
            files=("model.xml", "model.bin"),
            inputs=self._model.inputs,
            outputs=self._model.outputs,
            max_batch=self._batch,
            needs_isa=isa,
        )
        return program, self._parts(network, options)

    def costs(self) -> dict[str, tuple[int, int]]:
        """Multiply-accumulates and parameters of every option, by id."""
        known: dict[str, tuple[int, int]] = {}
        for option in self._proposals.space.options:
            if option.signature not in known:
                site = self._proposals.site(option)
                kept = option.operator == KEEP
                piece = site.module if kept else self._built.get(option.signature)
                if piece is None:  # and not kept: all pieces together are many times the network
                    piece = self._proposals.build(option, seed=0)
                known[option.signature] = (_macs(piece, site.flow), params_of(piece))
        return {one.id: known[one.signature] for one in self._proposals.space.options}

    def _option(self, name: str) -> Option:
        return self._proposals.space.options[self._proposals.space.index[name]]

    def _piece(self, option: Option) -> Any:
        if option.signature not in self._built:
            piece = self._proposals.build(option, seed=0)
            _enliven(piece)
            self._built[option.signature] = piece
        return self._built[option.signature]

    def _parts(self, network: Any, options: Sequence[Option]) -> list[Part]:
        """Where each option's modules are, with how many weighted layers are called there."""
        import torch

        calls = [call for made in trace(network, self._inputs).values() for call in made]
        calls.sort(key=lambda call: call.order)
        weighted = [
            c.path
            for c in calls
            if isinstance(c.module, torch.nn.Linear | torch.nn.modules.conv._ConvNd)
        ]
        parts = []
        for option in options:
            blocks = self._proposals.blocks[option.first : option.last + 1]
            paths = tuple(path for block in blocks for path in block.members)
            inside = [p for p in weighted if any(p == q or p.startswith(f"{q}.") for q in paths)]
            parts.append(Part(option.id, paths, len(inside)))
        inside_all = sum(part.weighted or 0 for part in parts)
        if inside_all == len(weighted):
            return parts
        return [Part(part.option, part.paths, None) for part in parts]


def _macs(piece: Any, flow: Any) -> int:
    """Of one sample, with what the block was passed besides."""
    from paretune.search.network.seat import Bound

    module = copy.deepcopy(piece)
    one = flow.head(1)
    if getattr(piece, "takes_extras", False):
        traced = trace(Bound(module, one.extras, one.named), (one.x,))
    else:
        traced = trace(module, (one.x,))
    return macs_of(module, [call for made in traced.values() for call in made])


def _enliven(piece: Any) -> None:
    """Let no BatchNorm multiply by 0: a compiler would leave such a layer out."""
    import torch

    for module in piece.modules():
        if not isinstance(module, torch.nn.BatchNorm2d) or not module.affine:
            continue
        if not module.weight.detach().any():
            torch.nn.init.ones_(module.weight)
