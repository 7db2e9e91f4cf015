"""sha256 of a model: equal digests mean the same structure and the same weights."""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from paretune.core import TensorSpec

#: Attributes that change nothing that is computed: the mode, and where a model was read from.
_NOT_STRUCTURE = {"training", "name_or_path"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


def digest_of_files(files: Sequence[Path], inputs: Sequence[TensorSpec]) -> str:
    """sha256 hex over the files' bytes in the order given, whatever their names, and the inputs."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    for spec in inputs:
        total.update(spec.model_dump_json().encode())
    return total.hexdigest()


def digest_of_module(module: Any, inputs: Sequence[TensorSpec], structure: str = "") -> str:
    """sha256 hex over what a module is: its tree, code, settings, weights and input shapes.

    The source text of every class that is not PyTorch's own counts too, and the functions beside it
    that its methods call: an edited `forward` leaves the tree and the weights as they were, yet
    makes another model.

    Args:
        module: the `torch.nn.Module`.
        inputs: specs of its inputs.
        structure: further text that decides what the module computes, such as a configuration.
    """
    total = hashlib.sha256()
    for line in _structure(module):
        total.update(line.encode())
        total.update(b"\0")
    total.update(structure.encode())
    for spec in inputs:
        total.update(spec.model_dump_json().encode())
    tensors = dict(module.named_buffers(remove_duplicate=False))
    tensors |= dict(module.named_parameters(remove_duplicate=False))
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        total.update(_bytes(tensor))
    return total.hexdigest()


def _structure(module: Any) -> Iterable[str]:
    from torch import nn

    internal = set(vars(nn.Module()))
    classes: dict[str, type] = {}
    for path, child in module.named_modules(remove_duplicate=False):
        kind = type(child)
        classes |= {_name(one): one for one in kind.__mro__ if _is_own(one)}
        settings = {
            key: _described(value)
            for key, value in vars(child).items()
            if key not in _NOT_STRUCTURE and key not in internal
        }
        yield f"{path}: {_name(kind)} {child.extra_repr()} {sorted(settings.items())}"
    for name, kind in sorted(classes.items()):
        yield f"{name} = {_code(kind)}"
    yield from sorted(set(_helpers(classes.values())))


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"


def _is_own(thing: Any) -> bool:
    """Whether a class or function is neither PyTorch's nor Python's: those go by version."""
    package = str(getattr(thing, "__module__", "")).partition(".")[0]
    return package != "torch" and package not in sys.stdlib_module_names


def _described(value: Any, depth: int = 4) -> str:
    """What an attribute says of what is computed, the same in every process; its type at least."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if depth and isinstance(value, (tuple, list)):
        return f"[{', '.join(_described(item, depth - 1) for item in value)}]"
    if depth and isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(_described(item, depth - 1) for item in value))}}}"
    if depth and isinstance(value, dict):
        items = (f"{_described(k, 0)}: {_described(v, depth - 1)}" for k, v in value.items())
        return f"{{{', '.join(sorted(items))}}}"
    if callable(getattr(value, "detach", None)) and hasattr(value, "dtype"):
        try:
            content = hashlib.sha256(_bytes(value)).hexdigest()
        except (RuntimeError, TypeError):  # sparse, or without memory
            content = ""
        return f"{value.dtype} {tuple(value.shape)} {content}"
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, enum.Enum) or type(value).__module__ == "torch":
        return str(value)
    if inspect.isfunction(value):
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_set(cell)]
        given = [value.__defaults__, value.__kwdefaults__, cells]
        return f"{_name(value)} {_of_code(value.__code__)} {_described(given, min(depth, 2))}"
    if inspect.isbuiltin(value) or isinstance(value, type):
        return _name(value)
    if depth and isinstance(value, functools.partial):
        return _described([value.func, value.args, value.keywords], depth - 1)
    return _name(type(value))


def _helpers(classes: Iterable[type]) -> Iterable[str]:
    """Functions beside the classes that their methods call, and those that these call."""
    ahead = [value for kind in classes for value in vars(kind).values()]
    seen = set()
    while ahead:
        value = ahead.pop()
        function = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", value)))
        if not inspect.isfunction(function) or function.__code__ in seen:
            continue
        seen.add(function.__code__)
        for helper in map(function.__globals__.get, _names(function.__code__)):
            if inspect.isfunction(helper) and _is_own(helper) and not _is_installed(helper):
                ahead.append(helper)
                yield _described(inspect.unwrap(helper))


def _names(code: CodeType) -> set[str]:
    """Names that a function and what it defines look up."""
    inner = (value for value in code.co_consts if isinstance(value, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _is_installed(function: FunctionType) -> bool:
    """Whether it is of a package, which goes by its version."""
    return not {"site-packages", "dist-packages"}.isdisjoint(
        Path(inspect.unwrap(function).__code__.co_filename).parts
    )


def _is_set(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # of a function that is not defined yet
        return False


def _code(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled: bytecode says as much
        code = getattr(getattr(kind, "forward", None), "__code__", None)
        return "" if code is None else _of_code(code)


def _of_code(code: CodeType) -> str:
    """What a function does, whatever its lines are numbered."""
    constants = [
        _of_code(value) if isinstance(value, CodeType) else _described(value)
        for value in code.co_consts
    ]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _bytes(tensor: Any) -> Any:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else b""
