"""Attention and feed-forward in a transformer's block, found by what flows where.

An attention is a `scaled_dot_product_attention`, or a softmax over a score for every head and pair
of tokens, with the linear layers right before and the one right after. A feed-forward is a linear
layer with others right before it and neither the block's input nor an attention in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.blocks._trace import Call
    from paretune.search.network.pieces import Bound


@dataclass(frozen=True)
class Sublayer:
    """One attention or feed-forward.

    Attributes:
        before: names of the linear layers at its beginning.
        output: name of the linear layer at its end.
        heads: how many heads, 0 for a feed-forward.
        width: numbers for each head.
    """

    before: tuple[str, ...]
    output: str
    heads: int = 0
    width: int = 0


def attentions(block: Bound, x: torch.Tensor) -> list[Sublayer]:
    """Every attention of a block, in call order."""
    return [sub for sub in _sublayers(block, x) if sub.heads]


def feed_forwards(block: Bound, x: torch.Tensor) -> list[Sublayer]:
    """Every feed-forward of a block that has an attention too, in call order."""
    found = _sublayers(block, x)
    if not any(sub.heads for sub in found):
        return []
    return [sub for sub in found if not sub.heads]


def silent(block: Bound, sub: Sublayer, value: torch.Tensor, x: torch.Tensor) -> Iterator[Bound]:
    """Copies in which a sub-layer gives a constant, those with least left of it first.

    Whether a copy works is for the caller to try: what stands in a module's place may not suit
    the code around it.

    Args:
        block: as it was.
        sub: the sub-layer.
        value: what its last layer gives everywhere, (c,).
        x: an input of the block.
    """
    import copy

    from torch import nn

    from paretune.search.network.pieces import Constant, Instead

    places = _places(block, x)
    layers = {name for name, m in block.named_modules() if any(p.dim() > 1 for p in _own(m))}
    constant = Constant(value, 3)
    for goal in ({*sub.before, sub.output}, set(sub.before)):
        for holder in _holders(goal):
            inside = {name for name in layers if name.startswith(f"{holder}.")}
            if holder not in places or inside != goal:
                continue
            trial = copy.deepcopy(block)
            whole = sub.output in goal
            stand = constant if whole else nn.Identity()
            trial.set_submodule(holder, Instead(copy.deepcopy(stand), *places[holder]))
            if not whole:
                trial.set_submodule(sub.output, copy.deepcopy(constant))
            yield trial
    for gone in (sub.before, ()):
        trial = copy.deepcopy(block)
        for name in gone:
            trial.set_submodule(name, nn.Identity())
        trial.set_submodule(sub.output, copy.deepcopy(constant))
        yield trial


def tried(block: Bound, x: torch.Tensor) -> torch.Tensor | None:
    """What a trial gives, None where it does not run: that it might not is why it is a trial."""
    import torch

    try:
        with torch.no_grad():
            made: torch.Tensor = block(x)
    except Exception:  # the user's own code, of which something is gone
        return None
    return made if isinstance(made, torch.Tensor) else None


def _own(module: nn.Module) -> Iterator[Any]:
    return module.parameters(recurse=False)


def _holders(names: set[str]) -> Iterator[str]:
    """Modules inside the block that hold all of these, the outermost first."""
    paths = [name.split(".") for name in sorted(names)]
    shared = 0
    while all(len(p) > shared + 1 and p[: shared + 1] == paths[0][: shared + 1] for p in paths):
        shared += 1
    for depth in range(4, shared + 1):  # run.members.N is the block itself
        yield ".".join(paths[0][:depth])


def _places(block: Bound, x: torch.Tensor) -> dict[str, tuple[int, int]]:
    """Where modules that take a tensor first have theirs in what they give: place and size."""
    import torch

    found: dict[str, tuple[int, int]] = {}
    handles = []
    for name, module in block.named_modules():

        def hook(_: nn.Module, args: Any, output: Any, name: str = name) -> None:
            if not args or not isinstance(args[0], torch.Tensor):
                return
            if isinstance(output, torch.Tensor):
                found[name] = (-1, 0)
            elif isinstance(output, tuple) and isinstance(output[0], torch.Tensor):
                found[name] = (0, len(output))

        handles.append(module.register_forward_hook(hook))
    try:
        with torch.no_grad():
            block(x)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _sublayers(block: Bound, x: torch.Tensor) -> list[Sublayer]:
    """Attentions and feed-forwards in call order."""
    from torch import nn

    from paretune.search.blocks._trace import reaches, trace

    with _Spy() as mixed:
        calls = trace(block, (x,))
    linear = sorted(
        (
            made[0]
            for made in calls.values()
            if isinstance(made[0].module, nn.Linear) and made[0].single and len(made) == 1
        ),
        key=lambda call: call.order,
    )
    outputs = {call.outputs[0] for call in linear}
    begin = set(calls[""][0].inputs)
    found = []
    for end in linear:
        before = [
            call
            for call in linear
            if reaches(end.inputs[0], {call.outputs[0]}, outputs - {call.outputs[0]})
        ]
        if not before or reaches(end.inputs[0], begin, outputs):
            continue
        between = [m for m in mixed if reaches(end.inputs[0], {m[0]}, outputs)]
        names = tuple(call.path for call in before)
        if not between:
            if all(call.module.in_features == end.module.out_features for call in before):
                found.append(Sublayer(names, end.path))
        elif len(between) == 1 and end.module.in_features % between[0][1] == 0:
            heads = between[0][1]
            found.append(Sublayer(names, end.path, heads, end.module.in_features // heads))
    return [sub for sub in found if _whole(sub, calls)]


def _whole(sub: Sublayer, calls: dict[str, list[Call]]) -> bool:
    """Whether an attention's layers before it write every head's query, key and value."""
    if not sub.heads:
        return True
    sizes = [calls[name][0].module.out_features for name in sub.before]
    all_heads = sub.heads * sub.width
    return sizes in ([all_heads] * 3, [3 * all_heads])


class _Spy:
    """Notes the autograd node and the number of heads of everything that mixes tokens."""

    def __init__(self) -> None:
        from torch.overrides import TorchFunctionMode

        found: list[tuple[Any, int]] = []

        class Mode(TorchFunctionMode):
            def __torch_function__(
                self, func: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                made = func(*args, **(kwargs or {}))
                name = getattr(func, "__name__", "")
                if name == "scaled_dot_product_attention" and made.dim() == 4:
                    found.append((made.grad_fn, int(args[0].shape[1]) if args else made.shape[1]))
                elif name == "softmax" and made.dim() == 4:
                    found.append((made.grad_fn, int(made.shape[1])))
                return made

        self._mode = Mode()
        self.found = found

    def __enter__(self) -> list[tuple[Any, int]]:
        self._mode.__enter__()  # type: ignore[no-untyped-call]
        return self.found

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)  # type: ignore[no-untyped-call]
