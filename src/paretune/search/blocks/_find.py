"""Finding blocks: walk down the module tree while a module is a chain of its children.

A module is a *chain* when every child that holds weights is a *link*: everything that reaches the
module's output passes through the child's input and output. A residual connection, an attention
or a branch breaks the chain, and the walk stops there: such a module is a *unit*, and so is every
other module of its class, whose chance to be a chain (a first block without a shortcut) does not
make it another kind of thing. A gate that only multiplies its input, such as squeeze-and-excite, is
part of whatever it stands in. What lies between units (a stem, a head) is cut at its weighted
layers, and wherever a tensor has a second reader, such as the decoder of a U-Net: once several
modules are replaced as one, what they passed to each other is gone.
"""

from __future__ import annotations

import copy
from typing import Any

from paretune.core import InputError
from paretune.search.blocks._cost import macs_of, params_of
from paretune.search.blocks._trace import Call, gates, parents, reaches, readers, trace
from paretune.search.blocks.base import Block

#: Samples to look for blocks with: a number that no other axis is likely to have.
EXAMPLES = 5
#: Containers say nothing of what they hold: two of them are not the same kind of thing.
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")


def find(module: Any, inputs: tuple[Any, ...]) -> tuple[Block, ...]:
    """The blocks of a network, in the order in which they are called.

    What is run is a copy: some modules keep what they compute in eval mode, and of a run with
    gradients it could not be copied any more.

    Args:
        module: a `torch.nn.Module` in eval mode.
        inputs: example tensors, batch on axis 0: best `EXAMPLES` samples.

    Raises:
        InputError: it fails on the example, or has no block that could be replaced.
    """
    blocks = _Walk(trace(copy.deepcopy(module), inputs), len(inputs[0])).blocks()
    if not blocks:
        raise InputError(
            "the model has no part that takes one tensor and gives one, so there is nothing that "
            "a search could replace: use --effort quantize"
        )
    return blocks


class _Walk:
    """One traced network, and how many samples it was given."""

    def __init__(self, calls: dict[str, list[Call]], batch: int) -> None:
        self._calls, self._batch, self._readers = calls, batch, readers(calls)
        self._children: dict[str, list[Call]] = {}
        for path, made in calls.items():
            for call in made:
                if path:
                    self._children.setdefault(path.rpartition(".")[0], []).append(call)
        # A container that is never called itself hands its children to whoever holds it.
        for path in sorted(self._children, key=lambda p: -p.count(".")):
            if path and path not in calls:
                holder = path.rpartition(".")[0]
                self._children.setdefault(holder, []).extend(self._children.pop(path))
        for found in self._children.values():
            found.sort(key=lambda call: call.order)
        self._units = {
            type(call.module)
            for made in calls.values()
            for call in made
            if self._is_unit(call) and type(call.module).__name__ not in _CONTAINERS
        }

    def blocks(self) -> tuple[Block, ...]:
        """Every block, in call order."""
        groups: list[list[Call]] = []
        self._descend(self._calls[""][0], groups)
        groups = [g for g in groups if any(params_of(c.module) for c in g)]
        found: list[Block] = []
        last: list[Call] | None = None
        for group in groups:
            first, end = group[0], group[-1]
            assert first.input_shape is not None
            assert end.output_shape is not None
            follows = last is not None and self._adjacent(last[-1], first)
            found.append(
                Block(
                    index=len(found),
                    members=tuple(call.path for call in group),
                    kind="+".join(type(call.module).__name__ for call in group),
                    input_shape=first.input_shape[1:],
                    output_shape=end.output_shape[1:],
                    follows=follows,
                    macs=sum(macs_of(call.module, self._below(call)) for call in group),
                    params=sum(params_of(call.module) for call in group),
                    outer=end.outer,
                    beside=end.beside,
                )
            )
            last = group
        return tuple(found)

    def _below(self, call: Call) -> list[Call]:
        """Calls of a module and of everything in it."""
        prefix = f"{call.path}."
        return [
            inner
            for path, made in self._calls.items()
            if path == call.path or path.startswith(prefix)
            for inner in made
        ]

    def _descend(self, call: Call, groups: list[list[Call]]) -> None:
        """Collect the blocks of a module, itself where it is one."""
        if call.path and self._is_block(call):
            groups.append([call])
            return
        run: list[Call] = []
        for child in self._children.get(call.path, []):
            if self._is_layer(child):
                self._join(run, child, groups)
            else:
                self._flush(run, groups)
                self._descend(child, groups)
        self._flush(run, groups)

    def _is_block(self, call: Call) -> bool:
        """A unit; or a chain that holds no unit and one weighted layer at least."""
        if not self._replaceable(call):
            return False
        if type(call.module) in self._units:
            return True
        if self._is_unit(call):
            return True
        inside = [c for c in self._below(call) if c is not call]
        if any(type(c.module) in self._units for c in inside):
            return False
        container = type(call.module).__name__ in _CONTAINERS
        return bool(inside) and not container and params_of(call.module) > 0

    def _is_layer(self, call: Call) -> bool:
        """Replaceable, and whatever it is made of holds no weights: norm with activation, say."""
        children = self._children.get(call.path, [])
        return self._replaceable(call) and not any(params_of(c.module) for c in children)

    def _replaceable(self, call: Call) -> bool:
        """One tensor in, one out, once; each with a row a sample, as frames in a batch have not."""
        if not call.single or len(self._calls[call.path]) != 1:
            return False
        shapes = (call.input_shape, call.output_shape)
        return all(shape is not None and shape[:1] == (self._batch,) for shape in shapes)

    def _join(self, run: list[Call], child: Call, groups: list[list[Call]]) -> None:
        """Add a layer to the run, which ends before a second weighted layer or a gap."""
        heavy = _weighted(child.module)
        if run and (
            not self._adjacent(run[-1], child) or (heavy and any(_weighted(c.module) for c in run))
        ):
            self._flush(run, groups)
        run.append(child)

    def _flush(self, run: list[Call], groups: list[list[Call]]) -> None:
        if any(_weighted(call.module) for call in run):
            groups.append(list(run))
        run.clear()

    def _is_unit(self, call: Call) -> bool:
        """Whether it is no chain: something passes its weighted children by, other than a gate."""
        children = [c for c in self._children.get(call.path, []) if params_of(c.module)]
        if not children or not call.single:
            return False
        goals = set(call.inputs)
        end = call.outputs[0]
        bypassed = any(
            len(child.outputs) != 1
            or len(child.inputs) != 1
            or reaches(end, goals, {child.outputs[0]})
            or reaches(end, goals, {child.inputs[0]})
            for child in children
        )
        return bypassed and not gates(call)

    def _adjacent(self, before: Call, after: Call) -> bool:
        """Whether the one tensor that came out of `before` goes into `after`, and nowhere else.

        The marks of enclosing modules may lie between: clones, which compute nothing.
        """
        if len(before.outputs) != 1 or len(after.inputs) != 1:
            return False
        node = after.inputs[0]
        while type(node).__name__ == "CloneBackward0":
            source = next(parents(node), None)
            if self._readers.get(source) != {node}:
                return False
            if source is before.outputs[0]:
                return True
            node = source
        return False


def _weighted(module: Any) -> bool:
    """Whether it multiplies by a weight matrix: a convolution or a linear layer is in it."""
    return any(p.dim() > 1 for p in module.parameters())
