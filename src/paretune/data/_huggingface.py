"""`hf:NAME`: a dataset of the Hugging Face hub, or a folder saved with `save_to_disk`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, MissingPackageError
from paretune.data._folder import split_of
from paretune.data._images import readable
from paretune.data._memory import class_indices
from paretune.data._text import check_no_pair, labels_of
from paretune.data.base import Raw, Samples
from paretune.data.registry import Format, Opened, register

_LABELS = ("label", "labels", "fine_label", "class", "target", "y")
_TEXTS = ("text", "sentence", "content", "review")
_PREFIX = "hf:"


@register
class HuggingFace(Format):
    """`hf:NAME`."""

    name: ClassVar[str] = "huggingface"
    usage: ClassVar[str] = "hf:NAME"

    def match(self, text: str) -> bool:
        """Whether it begins so."""
        return text.startswith(_PREFIX)

    def open(self, text: str) -> Opened:
        """Images or texts; the splits train, validation and test keep their meaning."""
        tables = _load(text)
        first = next(iter(tables.values()))
        value, kind = _value_column(text, first.features)
        label = _label_column(first.features, value)
        if label is not None:
            # Benchmarks publish their test split without labels, all of them -1.
            tables = {name: t for name, t in tables.items() if not _unlabelled(t, label)} or tables
        parts = _parts(tables)
        kept = list(parts.values()) if parts else list(tables.values())
        labels, names = (None, None) if label is None else _labels(text, kept, label)
        samples = HuggingFaceSamples(text, kept, value, kind, labels, names)
        ends = np.cumsum([0, *(len(table) for table in kept)])
        owner = np.repeat(np.arange(len(kept)), np.diff(ends))
        if kind == "image":
            good, skipped = readable(
                text,
                [partial(samples.encoded, index) for index in range(len(samples))],
                [f"sample {index}" for index in range(len(samples))],
            )
            samples.keep(good, skipped)
            owner = owner[good]
        return Opened(
            samples, {part: np.flatnonzero(owner == place) for place, part in enumerate(parts)}
        )


class HuggingFaceSamples(Samples):
    """Rows of one or more tables of the `datasets` package, one after another."""

    def __init__(
        self,
        name: str,
        tables: list[Any],
        column: str,
        kind: str,
        labels: NDArray[np.int64] | None,
        class_names: tuple[str, ...] | None,
    ) -> None:
        self.name, self.kind, self.labels, self.class_names = name, kind, labels, class_names
        self._tables = [_undecoded(table, column) if kind == "image" else table for table in tables]
        self._column = column
        self._starts = np.cumsum([0, *(len(table) for table in tables)])
        self._rows = np.arange(self._starts[-1])

    def __len__(self) -> int:
        return len(self._rows)

    def raw(self, index: int) -> Raw:
        """A PIL image, decoded, or a text."""
        if self.kind == "text":
            return str(self._cell(index))
        from PIL import Image

        with Image.open(self.encoded(index)) as image:
            image.load()
            return image

    def encoded(self, index: int) -> IO[bytes]:
        """The image's file."""
        cell: Mapping[str, Any] = self._cell(index)
        if cell["bytes"] is not None:
            return io.BytesIO(cell["bytes"])
        return Path(cell["path"]).open("rb")

    def keep(self, indices: NDArray[np.int64], skipped: tuple[str, ...]) -> None:
        """Leave out all but `indices`."""
        self._rows = self._rows[indices]
        self.labels = None if self.labels is None else self.labels[indices]
        self.skipped = skipped

    def identity(self) -> str:
        """Digest of the tables' fingerprints and the rows kept."""
        text = " ".join(str(table._fingerprint) for table in self._tables)
        return hashlib.sha256(text.encode() + self._rows.tobytes()).hexdigest()

    def _cell(self, index: int) -> Any:
        """The value of a sample."""
        row = int(self._rows[index])
        table = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._tables[table][row - int(self._starts[table])][self._column]


def _load(text: str) -> dict[str, Any]:
    """Split name to table."""
    try:
        import datasets
    except ImportError as error:
        raise MissingPackageError(
            f"data {text} needs the package datasets: pip install 'paretune[datasets]'"
        ) from error
    name = text.removeprefix(_PREFIX)
    folder = Path(name).expanduser()
    saved = any((folder / file).is_file() for file in ("dataset_dict.json", "state.json"))
    load: Callable[[str], Any] = datasets.load_from_disk if saved else datasets.load_dataset
    try:
        loaded = load(str(folder) if folder.is_dir() else name)
    except Exception as error:  # network, names, formats and configurations each raise their own
        first = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"data {text} cannot be loaded ({type(error).__name__}: {first}): check the name and "
            "the network, or give a folder saved with save_to_disk"
        ) from error
    tables = dict(loaded) if isinstance(loaded, Mapping) else {"all": loaded}
    tables = {part: table for part, table in tables.items() if len(table)}
    if not tables:
        raise InputError(f"data {text} holds no samples: give another")
    return tables


def _parts(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Our split name to table, where there are train and at least one more."""
    found: dict[str, Any] = {}
    for name, table in tables.items():
        split = split_of(name)
        if split is not None:
            found.setdefault(split, table)
    return found if "train" in found and len(found) > 1 else {}


def _value_column(text: str, features: Mapping[str, Any]) -> tuple[str, str]:
    """Name of the column that holds images or texts, and which."""
    import datasets

    for name, feature in features.items():
        if isinstance(feature, datasets.Image):
            return name, "image"
    texts = [name for name, f in features.items() if getattr(f, "dtype", "") == "string"]
    check_no_pair(f"data {text}", texts)
    for name in (*(n for n in _TEXTS if n in texts), *texts):
        if name not in _LABELS:
            return name, "text"
    raise InputError(
        f"data {text} has columns {', '.join(features)} and none holds images or texts: "
        "give its tensors as .npz"
    )


def _label_column(features: Mapping[str, Any], value: str) -> str | None:
    """Name of the column that holds the class."""
    import datasets

    classes = [name for name, f in features.items() if isinstance(f, datasets.ClassLabel)]
    named = [name for name in _LABELS if name in features and name != value]
    return next((name for name in (*(n for n in named if n in classes), *classes, *named)), None)


def _labels(
    text: str, tables: list[Any], column: str
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Class indices of all rows, and the class names where the data has them."""
    feature = tables[0].features[column]
    cells = [cell for table in tables for cell in table[column]]
    missing = next((row for row, cell in enumerate(cells) if cell is None), None)
    if missing is not None:
        raise InputError(f"data {text} has no label in row {missing}: remove the row")
    if getattr(feature, "dtype", "") == "string":
        return labels_of(f"data {text}", cells)
    names = getattr(feature, "names", None)
    try:
        values = np.asarray(cells)
    except ValueError:  # lists, of unequal lengths
        raise InputError(
            f"data {text} has several labels a sample in its column {column}: only one label a "
            "sample is supported"
        ) from None
    return class_indices(text, values), tuple(names) if names else None


def _unlabelled(table: Any, label: str) -> bool:
    """Whether every label stands for none."""
    return all(cell is None or cell == -1 for cell in table[label])


def _undecoded(table: Any, column: str) -> Any:
    """The table with images as files in memory, so that we decode them and see what fails."""
    import datasets

    return table.cast_column(column, datasets.Image(decode=False))
