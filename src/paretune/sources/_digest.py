"""sha256 of a model: equal digests mean the same structure and the same weights."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from paretune.core import TensorSpec

#: Attributes that change nothing that is computed: the mode, and where a model was read from.
_NOT_STRUCTURE = {"training", "name_or_path"}
_PLAIN = (bool, int, float, str, type(None))


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

    The source text of every class that is not PyTorch's own counts too: an edited `forward`
    leaves the tree and the weights as they were, yet makes another model.

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
    classes: dict[str, type] = {}
    for path, child in module.named_modules(remove_duplicate=False):
        kind = type(child)
        name = f"{kind.__module__}.{kind.__qualname__}"
        classes[name] = kind
        settings = {
            key: repr(value)
            for key, value in vars(child).items()
            if key not in _NOT_STRUCTURE and _is_plain(value)
        }
        yield f"{path}: {name} {child.extra_repr()} {sorted(settings.items())}"
    for name, kind in sorted(classes.items()):
        if not kind.__module__.startswith("torch."):
            yield f"{name} = {_code(kind)}"


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN)


def _code(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled: bytecode says as much
        code = getattr(getattr(kind, "forward", None), "__code__", None)
        if code is None:
            return ""
        constants = [value for value in code.co_consts if _is_plain(value)]
        return f"{code.co_code.hex()} {code.co_names} {constants}"


def _bytes(tensor: Any) -> Any:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else b""
