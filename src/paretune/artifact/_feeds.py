"""Whatever a caller offers for prediction, as feeds with a batch axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from paretune.core import InputError, Preprocessing, TensorSpec
from paretune.runtimes.base import Array

Inputs = tuple[TensorSpec, ...]


def feeds_of(batch: Any, inputs: Inputs, preprocessing: Preprocessing | None) -> dict[str, Array]:
    """Feeds by input name, batch on axis 0, cast to each input's dtype.

    Args:
        batch: an array (models of one input), a mapping of input name to array, both with the
            batch on axis 0; or samples: paths, PIL images or texts as `preprocessing` takes them,
            or paths of `.npy` and `.npz` files where it is None.
        inputs: every input of the model, in call order.
        preprocessing: how a raw sample becomes an input, None when samples are tensors.

    Raises:
        InputError: it does not fit the model; one sentence says how.
    """
    if isinstance(batch, Mapping):
        return checked({str(name): np.asarray(value) for name, value in batch.items()}, inputs)
    if isinstance(batch, np.ndarray):
        return checked({only(inputs).name: batch}, inputs)
    samples = list(batch) if isinstance(batch, Sequence) and not _is_sample(batch) else [batch]
    if not samples:
        raise InputError("no samples were given to predict: give at least one")
    if preprocessing is None:
        tensors = [tensors_of(sample, inputs) for sample in samples]
        joined = {spec.name: np.concatenate([t[spec.name] for t in tensors]) for spec in inputs}
        return checked(joined, inputs)
    from paretune.data import preprocess

    rows = [
        preprocess.apply(preprocessing, raw_of(sample, preprocessing.kind), inputs)
        for sample in samples
    ]
    return {spec.name: np.stack([row[spec.name] for row in rows]) for spec in inputs}


def checked(feeds: Mapping[str, Array], inputs: Inputs) -> dict[str, Array]:
    """Feeds in the inputs' dtypes.

    Raises:
        InputError: an input is missing, unknown, of another shape or not numeric; or the inputs
            disagree about the batch.
    """
    names = [spec.name for spec in inputs]
    unknown = sorted(set(feeds) - set(names))
    missing = [name for name in names if name not in feeds]
    if unknown or missing:
        wrong = f"{missing[0]!r} is missing" if missing else f"there is no input {unknown[0]!r}"
        raise InputError(f"{wrong}: the model takes {', '.join(names)}")
    sizes = {len(feeds[spec.name]) for spec in inputs if feeds[spec.name].ndim}
    if len(sizes) > 1:
        raise InputError(f"the inputs hold batches of {sorted(sizes)}: give each the same number")
    return {spec.name: _fitted(feeds[spec.name], spec) for spec in inputs}


def only(inputs: Inputs) -> TensorSpec:
    """The one input.

    Raises:
        InputError: there are several.
    """
    if len(inputs) != 1:
        names = ", ".join(spec.name for spec in inputs)
        raise InputError(f"the model takes {len(inputs)} inputs: give a mapping of {names}")
    return inputs[0]


def tensors_of(sample: Any, inputs: Inputs) -> dict[str, Array]:
    """Tensors with a batch axis from an `.npz` (by input name) or `.npy` (models of one input).

    Raises:
        InputError: no such file, or not of that kind.
    """
    file = Path(sample) if isinstance(sample, str | Path) else None
    if file is None or file.suffix not in (".npy", ".npz"):
        raise InputError(
            f"{sample!r} cannot be prepared, as this model has no preprocessing: "
            "give arrays, .npy or .npz files"
        )
    try:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {only(inputs).name: content}
        with content:
            known = {name: content[name] for name in content.files}
    except InputError:
        raise
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{file} cannot be read as numpy arrays: {error}") from error
    if len(inputs) == 1 and inputs[0].name not in known and "x" in known:
        return {inputs[0].name: known["x"]}
    if any(spec.name not in known for spec in inputs):
        return checked(known, inputs)  # tells which one is missing
    return {spec.name: known[spec.name] for spec in inputs}


def raw_of(sample: Any, kind: str) -> Any:
    """A sample as preprocessing takes it: paths are read, images and texts pass.

    Raises:
        InputError: a file that is missing or cannot be read.
    """
    if kind == "text":
        if not isinstance(sample, Path):
            return sample
        try:
            return sample.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{sample} cannot be read as UTF-8 text: {error}") from error
    if not isinstance(sample, str | Path):
        return sample
    from paretune.data import open_image

    return open_image(sample)


def _fitted(array: Array, spec: TensorSpec) -> Array:
    """The array in the input's dtype, its shape checked."""
    wanted = spec.shape[1:]
    fits = array.ndim == len(spec.shape) and all(
        want in (None, size) for want, size in zip(wanted, array.shape[1:], strict=True)
    )
    if not fits:
        text = ", ".join(["batch", *("any" if size is None else str(size) for size in wanted)])
        mend = (
            "add a batch axis with array[None]"
            if array.ndim == len(wanted)
            else "change channels, size or layout to match"
        )
        raise InputError(
            f"input {spec.name!r} takes shape ({text}), not {tuple(array.shape)}: {mend}"
        )
    if len(array) == 0:
        raise InputError(f"input {spec.name!r} holds no sample: give at least one")
    integer = np.issubdtype(np.dtype(spec.dtype), np.integer)
    if array.dtype.kind not in ("biu" if integer else "biuf"):
        raise InputError(
            f"input {spec.name!r} takes {spec.dtype} and got {array.dtype}: convert it"
        )
    return np.ascontiguousarray(array, dtype=spec.dtype)


def _is_sample(value: Any) -> bool:
    """Whether a sequence is one sample and not several."""
    return isinstance(value, str | bytes)
