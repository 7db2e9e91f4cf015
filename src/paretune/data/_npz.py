"""An `.npz`: `x` and `y`, or an array for each of the model's inputs."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data._memory import TensorSamples
from paretune.data.registry import Format, Opened, register

#: What damaged files and objects that would have to be unpickled raise.
_BROKEN = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, struct.error)
_LABELS = ("y", "label", "labels")


@register
class Npz(Format):
    """An `.npz` file."""

    name: ClassVar[str] = "npz"
    usage: ClassVar[str] = "FILE.npz (x, y, or an array for each input)"

    def match(self, text: str) -> bool:
        """Whether the name ends so."""
        return Path(text).suffix.lower() == ".npz"

    def open(self, text: str) -> Opened:
        """Tensors by input name; labelled where there is an array `y`."""
        file = Path(text).expanduser()
        try:
            arrays = _arrays(file)
        except FileNotFoundError as error:
            raise InputError(f"data {text} was not found: check the path") from error
        except _BROKEN as error:
            raise InputError(
                f"{text} cannot be read as .npz ({error}): save it again with numpy.savez"
            ) from error
        found = next((name for name in _LABELS if name in arrays), None)
        labels = arrays.pop(found) if found is not None and len(arrays) > 1 else None
        return Opened(NpzSamples(text, file, arrays, labels))


class NpzSamples(TensorSamples):
    """Tensors of a file."""

    def __init__(
        self,
        name: str,
        file: Path,
        arrays: dict[str, NDArray[Any]],
        labels: NDArray[Any] | None,
    ) -> None:
        super().__init__(name, arrays, labels)
        self._file = file

    def identity(self) -> str:
        """Digest of the file's name, size and time of change."""
        status = self._file.stat()
        facts = f"\0{status.st_size}\0{status.st_mtime_ns}".encode()
        return hashlib.sha256(os.fsencode(self._file.absolute()) + facts).hexdigest()


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    """Every array by name; those stored uncompressed are mapped from the file, not read."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(file) as archive, np.load(file, allow_pickle=False) as members:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            mapped = _mapped(file, info) if info.compress_type == zipfile.ZIP_STORED else None
            found[name] = members[name] if mapped is None else mapped
    return found


def _mapped(file: Path, info: zipfile.ZipInfo) -> NDArray[Any] | None:
    """A member as a memory map, None where its header is of another kind."""
    with file.open("rb") as stream:
        stream.seek(info.header_offset)
        local = stream.read(30)
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("a member's header is damaged")
        name_length, extra_length = struct.unpack("<26xHH", local)
        stream.seek(name_length + extra_length, 1)
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            return None
        if dtype.hasobject or 0 in shape or shape == ():
            return None
        return np.memmap(file, dtype, "r", stream.tell(), shape, "F" if fortran else "C")
