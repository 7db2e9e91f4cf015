"""Weights from a safetensors file, and from nothing that would have to be unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretune.core import InputError
from paretune.sources._imports import first_line

#: Suffixes under which pickles are usually kept.
PICKLES = {".pt", ".pth", ".th", ".bin", ".pkl", ".pickle", ".ckpt"}
_SHOWN = 3


def split_weights(text: str) -> tuple[str, Path | None]:
    """`name@file` as (`name`, file); a text without `@` has no weights."""
    name, at, weights = text.rpartition("@")
    return (name, Path(weights).expanduser()) if at else (text, None)


def choose_weights(text: str, request_weights: Path | None) -> tuple[str, Path | None]:
    """The name, and the weights given either in the text or beside it.

    Raises:
        InputError: given in both places.
    """
    name, weights = split_weights(text)
    if weights is not None and request_weights is not None:
        raise InputError(
            f"weights are given twice, {weights} in the MODEL text and {request_weights} beside "
            "it: leave one out"
        )
    return name, weights or request_weights


def load_weights(module: Any, file: Path) -> None:
    """Load every tensor of a safetensors file into `module`, keys and shapes exactly matching.

    Raises:
        InputError: the file is missing, truncated, a pickle, or of another architecture.
    """
    tensors = _read(file)
    own = module.state_dict()
    # Tied weights are one storage under several names; safetensors keeps one of the names.
    held = {own[key].data_ptr() for key in tensors if key in own}
    missing = [
        key
        for key, value in own.items()
        if key not in tensors
        and value.data_ptr() not in held
        and not key.endswith("num_batches_tracked")  # a counter of training that nothing reads
    ]
    unknown = [key for key in tensors if key not in own]
    shapes = [
        f"{key} {list(tensors[key].shape)} instead of {list(own[key].shape)}"
        for key in tensors
        if key in own and tensors[key].shape != own[key].shape
    ]
    faults = [
        f"{len(keys)} {what} ({_few(keys)})"
        for keys, what in (
            (missing, "keys missing"),
            (unknown, "unknown keys"),
            (shapes, "tensors of another shape"),
        )
        if keys
    ]
    if faults:
        raise InputError(
            f"weights {file} do not fit the module: {'; '.join(faults)}; "
            "give the weights of this very architecture"
        )
    module.load_state_dict(tensors, strict=False)


def _few(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")


def _read(file: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise InputError(f"weights file {file} does not exist: check the path after the @")
    if file.suffix.lower() in PICKLES or _is_pickle(file):
        raise InputError(
            f"weights {file} are a pickle, which can run any code when opened: convert once with "
            "`from safetensors.torch import save_file; "
            f'save_file(torch.load("{file.name}", weights_only=True), '
            f'"{file.stem}.safetensors")` and give that file'
        )
    try:
        return dict(load_file(file))
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"weights {file} are not a whole safetensors file ({first_line(error)}): "
            "copy or save it again"
        ) from None


def _is_pickle(file: Path) -> bool:
    # torch.save writes a zip (or, before 1.6, a bare pickle); a tar is older still.
    with file.open("rb") as stream:
        head = stream.read(300)
    bare = len(head) > 8 and head[0] == 0x80 and head[1] <= 5 and head[8:9] != b"{"
    return head.startswith(b"PK\x03\x04") or bare or head[257:262] == b"ustar"
