"""Prepared model inputs on disk: one split, preprocessed once, read by every process after."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import (
    InputError,
    Model,
    Preprocessing,
    Progress,
    TensorSpec,
    TextPreprocessing,
)
from paretune.data.array_folder import META, ArrayFolder, existing, file_names
from paretune.data.base import Dataset
from paretune.data.convert import Row, converter
from paretune.data.preprocess import is_truncated

#: Changes whenever the same request would write other files.
FORMAT = 2
_CHUNK = 32


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
        progress: told one step, the split being prepared; and how many texts of
            `search` are cut.

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
    root = Path(folder).expanduser().absolute()
    try:
        key = _key(dataset, split, model.inputs, described)
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read any more ({error.strerror}): bring it back"
        ) from error
    final, partial = root / key, root / f".{key}.partial"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f".{key}.lock"):
            if existing(final) is None:
                for stale in (partial, final):
                    shutil.rmtree(stale, ignore_errors=True)
                partial.mkdir()
                try:
                    _write(partial, dataset, split, model.inputs, convert, described)
                    partial.rename(final)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
    except OSError as error:
        raise _told(error, root) from error
    ready = existing(final)
    assert ready is not None
    if progress is not None and split == "search":
        _tell_truncated(ready, progress)
    return ready


def _tell_truncated(made: ArrayFolder, progress: Progress) -> None:
    """Say how many texts the model does not see to their end."""
    if made.truncated:
        progress.note(
            f"{made.truncated} of {made.n} texts are cut at {made.inputs[0].shape[-1]} tokens, so "
            "that the model does not see how they end: give it N with --input-shape N, as far as "
            "it takes them"
        )


def _write(
    folder: Path,
    dataset: Dataset,
    split: str,
    inputs: tuple[TensorSpec, ...],
    convert: Callable[[int], Row],
    preprocessing: Preprocessing | None,
) -> None:
    """Arrays, labels and, last, the description."""
    indices = dataset.splits[split]
    hashes = [hashlib.sha256() for _ in inputs]
    stored: list[TensorSpec] = []
    with ThreadPoolExecutor(2) as pool:
        files: list[Any] = []
        try:
            for start in range(0, len(indices), _CHUNK):
                chosen = indices[start : start + _CHUNK].tolist()
                rows = _converted(pool, convert, chosen, dataset.samples.name)
                if not files:
                    stored = [_as_stored(spec, rows[0][spec.name]) for spec in inputs]
                    _check_space(folder, len(indices), rows[0])
                    files += [
                        _begin(folder / name, len(indices), rows[0][spec.name])
                        for name, spec in zip(file_names(inputs), inputs, strict=True)
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
        "truncated": _truncated(dataset, split, preprocessing),
        "sizes": {file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    }
    (folder / META).write_text(json.dumps(meta, indent=1))


def _truncated(dataset: Dataset, split: str, preprocessing: Preprocessing | None) -> int:
    """How many texts of a split are cut, 0 where samples are none."""
    if dataset.samples.kind != "text" or not isinstance(preprocessing, TextPreprocessing):
        return 0
    texts = (dataset.samples.raw(index) for index in dataset.splits[split].tolist())
    return sum(is_truncated(preprocessing, text) for text in texts)


def _converted(
    pool: ThreadPoolExecutor, convert: Callable[[int], Row], chosen: list[int], name: str
) -> list[Row]:
    """Rows of the chosen samples; what cannot be read is told apart from what cannot be written."""
    try:
        return list(pool.map(convert, chosen))
    except OSError as error:
        raise InputError(f"{name} cannot be read any more ({error}): check the files") from error


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
