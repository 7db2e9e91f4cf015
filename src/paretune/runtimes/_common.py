"""What every runtime needs: failures as recorded reasons, checks of feeds and settings."""

from __future__ import annotations

import importlib
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from paretune.core import InputError, MissingPackageError, Model, ParetuneError, UnsupportedError
from paretune.engine import machine
from paretune.runtimes.base import Array, Feeds, Program, Settings, as_feeds

REASON_LENGTH = 200
#: Beyond this many bytes of weights protobuf holds no single ONNX file.
ONE_FILE_LIMIT = 1_900_000_000
#: CPUs that add up products of 8-bit numbers without saturating at 16 bits on the way.
EXACT_INT8_ISA = ("amx_int8", "avx512_vnni", "avx_vnni", "neon")


def onnx_bytes(model: Any) -> int:
    """Bytes of an ONNX model's weights: of more than it can write protobuf tells no size."""
    from onnx.helper import tensor_dtype_to_np_dtype

    return sum(
        math.prod(weight.dims) * tensor_dtype_to_np_dtype(weight.data_type).itemsize
        for weight in model.graph.initializer
    )


def exact_int8() -> tuple[str, ...]:
    """Instruction sets of which a program of 8-bit products made here needs one.

    Empty on a CPU that has none of them: its programs keep one side of every product to 7 bits,
    which no CPU saturates at.
    """
    return EXACT_INT8_ISA if set(EXACT_INT8_ISA) & set(machine.detect().isa) else ()


def first_line(error: BaseException) -> str:
    """What an exception says, cut to one short line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 1] + "…"


@contextmanager
def attempt(what: str) -> Iterator[None]:
    """Turn any failure inside into an `UnsupportedError` that says what was attempted.

    Runtimes raise whatever they like for a model they cannot take; all of it is a reason on the
    variant. Paretune's own errors pass as they are.
    """
    try:
        yield
    except ParetuneError:
        raise
    except Exception as error:
        raise UnsupportedError(f"{what} failed: {first_line(error)}") from error


def need(module: str, *, runtime: str, install: str) -> ModuleType:
    """Import a runtime's library.

    Raises:
        MissingPackageError: it is not installed; says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"runtime {runtime} needs {module} ({first_line(error)}): pip install {install}"
        ) from error


def check_settings(program: Program, settings: Settings, device_ok: bool) -> None:
    """Refuse settings that this program cannot be run with.

    Raises:
        UnsupportedError: device, batch or threads; one sentence says which.
    """
    if not device_ok:
        raise UnsupportedError(f"{program.runtime} does not run on {settings.device} here")
    if program.max_batch is not None and settings.batch != program.max_batch:
        raise UnsupportedError(
            f"the model's batch is fixed at {program.max_batch}, so a batch of {settings.batch} "
            "cannot be run"
        )
    if settings.device == "cpu" and settings.threads < settings.streams:
        raise UnsupportedError(
            f"{settings.streams} streams need at least {settings.streams} threads, "
            f"not {settings.threads}"
        )


def check_feeds(program: Program, settings: Settings, feeds: Feeds) -> None:
    """Refuse feeds with a missing input or another batch than the session was loaded for.

    Raises:
        InputError: which input, and what was expected.
    """
    for spec in program.inputs:
        if spec.name not in feeds:
            raise InputError(
                f"input {spec.name!r} was not fed: got {', '.join(sorted(feeds)) or 'nothing'}"
            )
        shape = feeds[spec.name].shape
        if spec.shape and shape[:1] != (settings.batch,):
            raise InputError(
                f"input {spec.name!r} has shape {shape}, but the session was loaded for a batch "
                f"of {settings.batch} on axis 0"
            )


def checked_feeds(program: Program, settings: Settings, feeds: Feeds) -> dict[str, Array]:
    """Feeds in the program's order and dtypes, contiguous; refused as `check_feeds` refuses."""
    check_feeds(program, settings, feeds)
    return as_feeds(program.inputs, [feeds[spec.name] for spec in program.inputs])


def fixed_batch(shapes: Iterable[Sequence[int | None]]) -> int | None:
    """The only batch that inputs of these shapes accept, None for any.

    Args:
        shapes: input shapes, None for a dynamic axis, batch on axis 0.
    """
    sizes = [shape[0] for shape in shapes if len(shape) and shape[0] is not None]
    return max(sizes) if sizes else None


#: Environment variable that names a folder for conversions, whose owner removes it.
FORMS = "PARETUNE_FORMS"

_forms: dict[str, tempfile.TemporaryDirectory[str]] = {}


def forms_folder(model: Model) -> Path:
    """Where this process keeps the conversions of `model`, shared by all programs made of it.

    Temporary. Where nobody gave a folder, only the latest model's conversions are kept, and until
    the interpreter ends: a process that is stopped short of that must be given one.
    """
    if given := os.environ.get(FORMS):
        folder = Path(given) / model.digest[:24]
        folder.mkdir(exist_ok=True)
        return folder
    if model.digest not in _forms:
        _forms.clear()
        _forms[model.digest] = tempfile.TemporaryDirectory(prefix="paretune-forms-")
    return Path(_forms[model.digest].name)
