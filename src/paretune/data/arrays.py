"""Prepared model inputs on disk: one split, preprocessed once, read by every process after."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, Model, Noun, Preprocessing, Progress, TensorSpec
from paretune.data.base import Dataset
from paretune.data.convert import converter

#: Changes whenever the same request would write other bytes.
FORMAT = 1
_META = "arrays.json"
_CHUNK = 32


class ArrayFolder(Noun):
    """The inputs of one split as `.npy` files, with labels where there are any.

    Attributes:
        path: the folder.
        n: samples.
        inputs: the inputs, in call order, with the shapes as stored (batch axis None).
        labelled: whether labels are present.
        digest: sha256 hex of all arrays' content: equal digests mean equal samples.
    """

    path: Path
    n: int
    inputs: tuple[TensorSpec, ...]
    labelled: bool
    digest: str

    def feeds(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Samples `start` to `stop` by input name, batch on axis 0, memory-mapped, read-only."""
        return {
            spec.name: np.load(self.path / file, mmap_mode="r", allow_pickle=False)[start:stop]
            for spec, file in zip(self.inputs, _files(self.inputs), strict=True)
        }

    def labels(self) -> NDArray[np.int64] | None:
        """Class indices, int64 (n,), or None when unlabelled."""
        return np.load(self.path / "labels.npy", allow_pickle=False) if self.labelled else None

    def batches(self, size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Feeds of `size` samples each, in order; the last may be smaller."""
        for start in range(0, self.n, size):
            yield self.feeds(start, min(start + size, self.n))


def materialise(
    dataset: Dataset,
    split: str,
    model: Model,
    folder: str | Path,
    *,
    preprocessing: Preprocessing | None = None,
    progress: Progress | None = None,
) -> ArrayFolder:
    """Preprocess a split into a folder of arrays, or reuse the one that is there.

    Args:
        dataset: samples and splits.
        split: `train`, `search` or `holdout`.
        model: gives the inputs, and the preprocessing where none is given.
        folder: holds prepared splits, one folder each, named by what they were made from.
        preprocessing: how a raw sample becomes inputs; tensors need none.
        progress: told one step: the split being prepared.

    Returns:
        The folder; a second call with nothing changed returns at once.

    Raises:
        InputError: samples and inputs do not fit; NaN in an input; no space left. Nothing
            half-written stays behind.
    """
    described = preprocessing or model.preprocessing
    convert = converter(dataset.samples, model.inputs, described)
    if progress is not None:
        progress.step(f"prepare {len(dataset.splits[split])} samples of {split}")
    root = Path(folder)
    key = _key(dataset, split, model.inputs, described)
    final, partial = root / key, root / f".{key}.partial"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f".{key}.lock"):
            ready = _existing(final)
            if ready is not None:
                return ready
            for stale in (partial, final):
                shutil.rmtree(stale, ignore_errors=True)
            partial.mkdir()
            try:
                _write(partial, dataset, split, model.inputs, convert)
                partial.rename(final)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        raise _told(error, root) from error
    ready = _existing(final)
    assert ready is not None
    return ready


def _write(
    folder: Path, dataset: Dataset, split: str, inputs: tuple[TensorSpec, ...], convert: Any
) -> None:
    """Arrays, labels and, last, the description."""
    indices = dataset.splits[split]
    hashes = [hashlib.sha256() for _ in inputs]
    stored: list[TensorSpec] = []
    with ThreadPoolExecutor(2) as pool:
        files: list[Any] = []
        try:
            for start in range(0, len(indices), _CHUNK):
                rows = list(pool.map(convert, indices[start : start + _CHUNK].tolist()))
                if not files:
                    stored = [_as_stored(spec, rows[0][spec.name]) for spec in inputs]
                    _check_space(folder, len(indices), rows[0])
                    files += [
                        _begin(folder / name, len(indices), rows[0][spec.name])
                        for name, spec in zip(_files(inputs), inputs, strict=True)
                    ]
                for spec, file, total in zip(stored, files, hashes, strict=True):
                    chunk = _stack(dataset, spec, [row[spec.name] for row in rows])
                    # Plain writes: on a full disk a memory map would end the process (SIGBUS).
                    data = chunk.tobytes()
                    file.write(data)
                    total.update(data)
        finally:
            for file in files:
                file.close()
    labels = dataset.labels(split)
    if labels is not None:
        np.save(folder / "labels.npy", labels.astype(np.int64))
        hashes.append(hashlib.sha256(labels.astype(np.int64).tobytes()))
    shapes = "".join(f"{s.name} {s.shape} {s.dtype};" for s in stored)
    digest = hashlib.sha256((shapes + "".join(h.hexdigest() for h in hashes)).encode()).hexdigest()
    meta = {
        "n": len(indices),
        "inputs": [spec.model_dump() for spec in stored],
        "labelled": labels is not None,
        "digest": digest,
        "sizes": {file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    }
    (folder / _META).write_text(json.dumps(meta, indent=1))


def _existing(folder: Path) -> ArrayFolder | None:
    """The folder as written before, None where it is not there or not as it was."""
    try:
        meta = json.loads((folder / _META).read_text())
    except FileNotFoundError:
        return None
    sizes = meta.pop("sizes")
    present = {file.name: file.stat().st_size for file in folder.iterdir() if file.name != _META}
    return ArrayFolder(path=folder, **meta) if present == sizes else None


def _key(
    dataset: Dataset,
    split: str,
    inputs: tuple[TensorSpec, ...],
    preprocessing: Preprocessing | None,
) -> str:
    """Name of what is about to be written: changes with anything that decides its bytes."""
    total = hashlib.sha256()
    labels = dataset.labels(split)
    for part in (
        str(FORMAT),
        dataset.samples.identity(),
        np.asarray(dataset.splits[split], dtype=np.int64).tobytes(),
        b"" if labels is None else labels.astype(np.int64).tobytes(),
        "".join(spec.model_dump_json() for spec in inputs),
        "" if preprocessing is None else preprocessing.model_dump_json(),
    ):
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return f"{split}-{total.hexdigest()[:24]}"


def _files(inputs: tuple[TensorSpec, ...]) -> list[str]:
    """File name of each input; what cannot stand in a file name is left out."""
    return [
        f"{index}_{re.sub(r'[^A-Za-z0-9_-]+', '_', spec.name)[:60]}.npy"
        for index, spec in enumerate(inputs)
    ]


def _as_stored(spec: TensorSpec, row: NDArray[Any]) -> TensorSpec:
    """The input with the shape that the samples have."""
    return TensorSpec(name=spec.name, shape=(None, *row.shape), dtype=str(row.dtype))


def _begin(path: Path, n: int, row: NDArray[Any]) -> Any:
    """A `.npy` file whose header is written and whose content follows."""
    header = {
        "descr": np.lib.format.dtype_to_descr(row.dtype),
        "fortran_order": False,
        "shape": (n, *row.shape),
    }
    file = path.open("xb")
    np.lib.format.write_array_header_1_0(file, header)
    return file


def _stack(dataset: Dataset, spec: TensorSpec, rows: list[NDArray[Any]]) -> NDArray[Any]:
    """Samples as one array (n, ...), all of one shape."""
    for row in rows:
        if row.shape != spec.shape[1:]:
            raise InputError(
                f"{dataset.samples.name} has samples of shapes {spec.shape[1:]} and {row.shape} "
                f"for input {spec.name!r}: bring them to one shape"
            )
    return np.ascontiguousarray(np.stack(rows))


def _check_space(folder: Path, n: int, row: dict[str, NDArray[Any]]) -> None:
    """Refuse at the start what would not fit in the end."""
    needed = n * sum(array.nbytes for array in row.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free")


def _told(error: OSError, root: Path) -> InputError:
    """What the operating system refused, as one sentence with the mend."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(
            f"no space left in {root} for prepared samples ({error.strerror}): free some or choose "
            "another folder"
        )
    return InputError(
        f"prepared samples cannot be written to {root} ({error.strerror or error}): choose another "
        "folder"
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among processes; the system lets go when the holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
