"""A `.csv` or `.tsv`: one sample a line, a path or a text, and a label where there is one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from paretune.core import InputError
from paretune.data._images import SUFFIXES, ImageFiles, readable
from paretune.data._text import Texts, check_no_pair, labels_of, number
from paretune.data.registry import Format, Opened, register

_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")
_TEXTS = ("text", "sentence", "content", "review", "question", "document")
_LABELS = ("label", "labels", "class", "class_name", "target", "category", "y")


@register
class Table(Format):
    """A `.csv` or `.tsv` file."""

    name: ClassVar[str] = "table"
    usage: ClassVar[str] = "FILE.csv or FILE.tsv (path or text, label)"

    def match(self, text: str) -> bool:
        """Whether the name ends so."""
        return Path(text).suffix.lower() in (".csv", ".tsv")

    def open(self, text: str) -> Opened:
        """Images (paths beside the file) or texts, labelled where there is a label column."""
        file = Path(text).expanduser()
        rows = _rows(file)
        header = [cell.strip().lower() for cell in rows[0][1]] if _has_header(rows) else None
        value, label = _columns(text, header, len(rows[0][1]))
        body = rows[1:] if header else rows
        for line, row in body:
            if len(row) <= max(value, label or 0):
                raise InputError(f"{text} line {line} has {len(row)} columns: add the missing ones")
            if label is not None and not row[label].strip():
                raise InputError(f"{text} line {line} has no label: add it, or remove the line")
        if not body:
            raise InputError(f"{text} holds no samples, only a header: add lines")
        cells = [row[value] for _, row in body]
        labels, names = (
            (None, None) if label is None else labels_of(text, [r[label] for _, r in body])
        )
        kind = header[value] if header else ""
        if kind in _TEXTS or (kind not in _PATHS and not _look_like_paths(cells)):
            return Opened(Texts(text, cells, labels, names))
        paths = [file.parent / Path(cell.strip()).expanduser() for cell in cells]
        good, skipped = readable(text, paths, [str(path) for path in paths])
        kept = [paths[index] for index in good]
        labels = None if labels is None else labels[good]
        return Opened(ImageFiles(text, kept, labels, names, skipped))


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """Lines that are not empty, with their numbers."""
    tabs = file.suffix.lower() == ".tsv"
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            # In tab-separated files a quote is a quote (as in GLUE's), never a bracket of cells.
            reader = (
                csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
                if tabs
                else csv.reader(stream)
            )
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except FileNotFoundError as error:
        raise InputError(f"data {file} was not found: check the path") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} cannot be read ({error}): give a table in UTF-8") from error
    if not rows:
        raise InputError(f"{file} is empty: give lines of path or text, and label")
    return rows


def _has_header(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether the first line names columns."""
    first = [cell.strip().lower() for cell in rows[0][1]]
    if any(cell in (*_PATHS, *_TEXTS, *_LABELS) for cell in first):
        return True
    # Or: a word where every other line has a number.
    return any(
        number(cell) is None and all(len(r) > i and number(r[i]) is not None for _, r in rows[1:])
        for i, cell in enumerate(first)
        if len(rows) > 1
    )


def _columns(text: str, header: Sequence[str] | None, width: int) -> tuple[int, int | None]:
    """Places of path or text, and of the label."""
    if header is None:
        return 0, 1 if width > 1 else None
    label = next((i for i, cell in enumerate(header) if cell in _LABELS), None)
    values = [i for i, cell in enumerate(header) if cell in (*_PATHS, *_TEXTS)]
    others = [i for i in range(len(header)) if i != label]
    if not any(header[i] in _PATHS for i in values):
        check_no_pair(text, header)
    if not values and len(others) == 1:
        values = others
    if not values and label is None and len(header) == 2:
        return 0, 1
    if not values:
        raise InputError(
            f"{text} has columns {', '.join(header)}: name one of them path or text, and one label"
        )
    return values[0], label


def _look_like_paths(cells: Sequence[str]) -> bool:
    """Whether cells end as names of images do."""
    return all(Path(cell.strip()).suffix.lower() in SUFFIXES for cell in cells[:50])
