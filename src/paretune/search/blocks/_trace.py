"""One run of a network under hooks: who was called with what, and how tensors flow between.

Data flow is read off the autograd graph. Every module's tensors pass through a clone on their way
in and out, so each leaves a node of its own there, and "all that reaches the output passed through
this tensor" is a question about paths in that graph. What needs no gradient (token ids, an
attention mask) is no flow: it is passed through to whatever stands in a block's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from paretune.core import InputError
from paretune.search.eval_mode import in_eval_mode


@dataclass
class Call:
    """One call of one module.

    Attributes:
        path: the module's name in the network, empty for the network itself.
        module: the module.
        order: calls are numbered as they begin.
        inputs: autograd nodes of the tensors that came in.
        outputs: autograd nodes of the tensors that went out.
        input_shape: of the one tensor that came in, batch included; None where not exactly one.
        output_shape: likewise for what went out.
        outer: where the output tensor stands: -1 for the tensor itself, else its place in a tuple.
        beside: all of that tuple as far as it is plain values, such as a map's height and width,
            and None in other places, that of the tensor among them.
        leading: whether the input tensor is the first positional argument.
    """

    path: str
    module: Any
    order: int
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    outer: int = -1
    beside: tuple[Any, ...] = ()
    leading: bool = False

    @property
    def single(self) -> bool:
        """Whether it takes one tensor, first, and gives one tensor."""
        return self.leading and self.input_shape is not None and self.output_shape is not None


def trace(module: Any, inputs: tuple[Any, ...]) -> dict[str, list[Call]]:
    """Calls of every named module in one forward pass, in call order.

    Args:
        module: a `torch.nn.Module` in eval mode; it is left as it was.
        inputs: example tensors, batch on axis 0.

    Raises:
        InputError: the module fails on these inputs.
    """
    import torch

    calls: dict[str, list[Call]] = {}
    stack: list[Call] = []
    count = 0

    def enter(path: str) -> Any:
        def hook(inner: Any, args: Any, kwargs: Any) -> Any:
            nonlocal count
            call = Call(path, inner, count)
            count += 1
            stack.append(call)
            calls.setdefault(path, []).append(call)
            args, marked = _marked(args)
            kwargs, others = _marked(kwargs)
            call.inputs = [tensor.grad_fn for tensor in (*marked, *others)]
            if len(call.inputs) == 1 and marked:
                call.input_shape = tuple(marked[0].shape)
                call.leading = bool(args) and args[0] is marked[0]
            return args, kwargs

        return hook

    def leave(_: Any, __: Any, ___: Any, output: Any) -> Any:
        call = stack.pop()
        output, marked = _marked(output)
        call.outputs = [tensor.grad_fn for tensor in marked]
        if len(marked) == 1:
            call.output_shape = tuple(marked[0].shape)
            if isinstance(output, tuple | list):
                call.outer = next((i for i, x in enumerate(output) if x is marked[0]), -2)
                call.beside = tuple(_plain(x, len(marked[0])) for x in output)
            elif output is not marked[0]:
                call.outer = -2  # inside a structure that a replacement would not know
            if call.outer == -2:
                call.output_shape = None
        return output

    handles = []
    for path, inner in module.named_modules():
        handles.append(inner.register_forward_pre_hook(enter(path), with_kwargs=True))
        handles.append(inner.register_forward_hook(leave, with_kwargs=True))
    frozen = [p for p in module.parameters() if not p.requires_grad and p.is_floating_point()]
    try:
        for parameter in frozen:
            parameter.requires_grad_(True)
        with torch.enable_grad():
            module(*(_float_leaf(x) for x in inputs))
    except Exception as error:
        raise InputError(
            f"the model fails when it is run on an example ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no message'}): check its inputs"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
        for parameter in frozen:
            parameter.requires_grad_(False)
        in_eval_mode(module)  # what it kept of this pass has gradients and cannot be copied
    return calls


def _plain(value: Any, batch: int) -> Any:
    """A value if it is plain and the same for any number of samples, else None."""
    if isinstance(value, tuple | list):
        found = tuple(_plain(x, batch) for x in value)
        return None if None in found else found
    # As many as there are samples is taken to be their number.
    return value if isinstance(value, bool | int | float | str) and value != batch else None


def reaches(start: Any, goals: set[Any], without: set[Any]) -> bool:
    """Whether a path leads back from `start` to one of `goals` that passes none of `without`."""
    seen = set(without)
    ahead = [start]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        if node in goals:
            return True
        seen.add(node)
        ahead.extend(parent for parent, _ in node.next_functions)
    return False


def readers(calls: dict[str, list[Call]]) -> dict[Any, set[Any]]:
    """By node, those that work on its result and lead to the network's output or into a module.

    A module whose output nobody takes runs all the same, and would fail on another shape.
    """
    found: dict[Any, set[Any]] = {}
    ahead = [node for call in calls[""] for node in call.outputs]
    ahead.extend(node for made in calls.values() for call in made for node in call.inputs)
    seen: set[Any] = set()
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        for parent in parents(node):
            found.setdefault(parent, set()).add(node)
            ahead.append(parent)
    return found


def gates(call: Call) -> bool:
    """Whether a module's last step multiplies its own input by something."""
    if len(call.outputs) != 1:
        return False
    node = call.outputs[0]
    for _ in range(3):  # past the mark and, at most, a reshape
        ahead = list(parents(node))
        if len(ahead) != 1:
            break
        node = ahead[0]
    return "Mul" in type(node).__name__ and any(p in call.inputs for p in parents(node))


def parents(node: Any) -> Iterator[Any]:
    """Nodes whose results a node works on."""
    return (parent for parent, _ in node.next_functions if parent is not None)


def _float_leaf(tensor: Any) -> Any:
    """The tensor, asking for a gradient where it can have one."""
    return tensor.clone().requires_grad_(True) if tensor.is_floating_point() else tensor


def _marked(value: Any) -> tuple[Any, list[Any]]:
    """A copy of a structure with every tensor that carries flow cloned, and those clones."""
    import torch

    found: list[Any] = []

    def walk(thing: Any) -> Any:
        if isinstance(thing, torch.Tensor):
            if not thing.requires_grad:
                return thing
            clone = thing.clone()
            found.append(clone)
            return clone
        if isinstance(thing, list | tuple):
            made = [walk(x) for x in thing]
            return type(thing)(*made) if hasattr(thing, "_fields") else type(thing)(made)
        if isinstance(thing, dict):  # a ModelOutput is one, and keeps its class
            for key, item in list(thing.items()):
                thing[key] = walk(item)
            return thing
        return thing

    return walk(value), found
