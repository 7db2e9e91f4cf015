"""Per-layer times of a PyTorch callable: modules by name in eager, kernels in compiled code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paretune.core import LayerTime

CALL = "paretune::call"
LAYER = "paretune::layer "
#: Ranges that PyTorch's compiler opens around the kernels, and its own work between them.
_WRAPPERS = ("Torch-Compiled Region", "## Call CompiledFxGraph", "CompiledFunction")
_OVERHEAD = ("TorchDynamo Cache Lookup", "Pregraph bytecode", "AOTDispatcher Runtime Wrapper")


def layers(
    call: Callable[[], object], function: Any, precision: str, calls: int
) -> list[LayerTime]:
    """Mean time of whatever the outermost level of a call consists of, in execution order.

    Leaf modules of an eager model count as one layer each, with all operators inside; operators
    outside leaf modules count by themselves. The last entry, `(between layers)`, is what is left
    of the whole call: Python, guards and memory management.

    Args:
        call: one inference.
        function: what it runs; leaf modules are named where it is a module.
        precision: the program's precision, told of layers whose own is not known.
        calls: how many calls the times are the mean of.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile, record_function

    with _named(function):
        call()
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(calls):
                with record_function(CALL):
                    call()
    totals: dict[tuple[str, int], float] = {}
    whole = 0.0
    for event in profiler.events():
        if event.name != CALL:
            continue
        whole += event.cpu_time_total
        seen: dict[str, int] = {}
        for part in _parts(event):
            key = (part.name, seen.setdefault(part.name, 0))
            seen[part.name] += 1
            totals[key] = totals.get(key, 0.0) + part.cpu_time_total
    types = _types(function) if isinstance(function, torch.nn.Module) else {}
    found = [_layer(*key, spent / calls, types, precision) for key, spent in totals.items()]
    between = max(0.0, whole - sum(totals.values())) / calls
    return [*found, LayerTime(name="(between layers)", op="overhead", microseconds=between)]


def _parts(event: Any) -> Iterator[Any]:
    """The layers right below an event, wrappers opened."""
    for child in sorted(event.cpu_children, key=lambda child: child.time_range.start):
        if child.name.startswith(_WRAPPERS):
            yield from _parts(child)
        elif not child.name.startswith(_OVERHEAD):
            yield child


def _layer(name: str, index: int, spent: float, types: dict[str, str], precision: str) -> LayerTime:
    if name.startswith(LAYER):
        name = name.removeprefix(LAYER)
        op, kernel = types[name], ""
    else:
        op, kernel = name, name
    quantized = "::q" in kernel or "quant" in kernel
    if precision == "int8":  # between the quantised kernels the graph computes in f32
        precision = "int8" if quantized else "f32"
    elif precision in ("bf16", "f16") and not types:
        precision = ""  # autocast decides by operator, and the profiler does not tell
    label = name if index == 0 else f"{name} #{index + 1}"
    return LayerTime(name=label, op=op, kernel=kernel, precision=precision, microseconds=spent)


def _types(module: Any) -> dict[str, str]:
    """Class names of the leaf modules, by module name."""
    return {
        name or "(module)": type(part).__name__
        for name, part in module.named_modules()
        if not any(True for _ in part.children())
    }


@contextmanager
def _named(function: Any) -> Iterator[None]:
    """Open a profiler range, named after it, around each call of a leaf module."""
    import torch
    from torch.profiler import record_function

    if not isinstance(function, torch.nn.Module):
        yield
        return
    hooks, open_ranges = [], []

    def enter(range_name: str) -> None:
        open_ranges.append(record_function(range_name))
        open_ranges[-1].__enter__()  # type: ignore[no-untyped-call]

    def leave() -> None:
        open_ranges.pop().__exit__(None, None, None)

    for name, part in function.named_modules():
        if any(True for _ in part.children()):
            continue
        label = LAYER + (name or "(module)")
        hooks.append(part.register_forward_pre_hook(lambda *_, label=label: enter(label)))
        hooks.append(part.register_forward_hook(lambda *_: leave()))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
