"""A folder: of class folders, of images without labels, or of `train/`, `val/`, `test/`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from paretune.core import InputError
from paretune.data._images import SUFFIXES, ImageFiles, readable
from paretune.data.registry import Format, Opened, register

#: Folder name, in small letters -> the split it fixes.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "search",
    "valid": "search",
    "validation": "search",
    "dev": "search",
    "eval": "search",
    "evaluation": "search",
    "search": "search",
    "test": "holdout",
    "testing": "holdout",
    "holdout": "holdout",
}
#: With more inner folders than these a word such as `test` in a name is a class's own.
FEW = 4


@register
class Folder(Format):
    """A folder."""

    name: ClassVar[str] = "folder"
    usage: ClassVar[str] = "a folder of class folders or of images"

    def match(self, text: str) -> bool:
        """Whether it is a folder."""
        return Path(text).expanduser().is_dir()

    def open(self, text: str) -> Opened:
        """Images labelled by folder in sorted order, as torchvision does; or unlabelled."""
        root = Path(text).expanduser()
        parts = _parts(root)
        listed = [
            (path, class_name, part)
            for part, folder in (parts or {"": root}).items()
            for path, class_name in _images(folder)
        ]
        if not listed:
            raise InputError(
                f"folder {text} holds no images ({', '.join(sorted(SUFFIXES))}): give a folder of "
                "images or of class folders"
            )
        names = sorted({class_name for _, class_name, _ in listed if class_name is not None})
        if names and any(class_name is None for _, class_name, _ in listed):
            raise InputError(
                f"folder {text} holds images both beside and inside class folders: move them all "
                "into class folders, or all out"
            )
        if not parts:
            _check_classes(text, root, listed)
        if len(names) == 1:
            raise InputError(
                f"folder {text} has only one class ({names[0]!r}), and accuracy on it says "
                "nothing: add the other classes, or give the inner folder for images without labels"
            )
        paths = [path for path, _, _ in listed]
        good, skipped = readable(text, paths, [str(path) for path in paths])
        kept = [listed[index] for index in good]
        index_of = {name: index for index, name in enumerate(names)}
        labels = np.asarray([index_of.get(name or "", -1) for _, name, _ in kept], dtype=np.int64)
        samples = ImageFiles(
            text,
            [path for path, _, _ in kept],
            labels if names else None,
            tuple(names) or None,
            skipped,
        )
        return Opened(
            samples,
            {
                split: np.asarray([i for i, (_, _, part) in enumerate(kept) if part == split])
                for split in parts
            },
        )


def split_of(name: str) -> str | None:
    """The split that a folder or table of this name is, such as `Training` or `test_set`."""
    plain = name.lower()
    return PARTS.get(plain) or PARTS.get(plain.removesuffix("set").rstrip("_- "))


def _check_classes(text: str, root: Path, listed: Sequence[tuple[Path, str | None, str]]) -> None:
    """Refuse inner folders that are splits by the look of them, and no classes.

    Raises:
        InputError: their names say so, or each holds the same folders and no image beside them.
    """
    inner: dict[str, set[str]] = {}
    for path, name, _ in listed:
        if name is not None:
            below = path.relative_to(root / name).parts
            inner.setdefault(name, set()).add(below[0] if len(below) > 1 else "")
    words = (split_of(word) for name in inner for word in re.split(r"[^A-Za-z]+", name))
    named = len(inner) <= FEW and len({word for word in words if word}) > 1
    first = next(iter(inner.values()), set())
    # One and the same folder in each, such as `images`, is a layout of classes.
    several = len(inner) > 1 and len(first) > 1 and "" not in first
    alike = several and all(below == first for below in inner.values())
    if named or alike:
        raise InputError(
            f"folder {text} holds {', '.join(sorted(inner)[:FEW])}, which look like splits and not "
            "like classes: name them train, val and test (train and at least one more), give one "
            "of them alone, or put a class's images right into its folder"
        )


def _parts(root: Path) -> dict[str, Path]:
    """Split name to folder, where the root holds train and at least one more."""
    found: dict[str, Path] = {}
    for folder in _folders(root):
        split = split_of(folder.name)
        if split is None:
            continue
        if split in found:
            raise InputError(
                f"folder {root} holds both {found[split].name}/ and {folder.name}/ for one split: "
                "keep one"
            )
        found[split] = folder
    return found if "train" in found and len(found) > 1 else {}


def _images(folder: Path) -> list[tuple[Path, str | None]]:
    """Every image with its class: the name of the folder below `folder` that it lies in."""
    direct = [(path, None) for path in sorted(folder.iterdir()) if _is_image(path)]
    inside = [
        (path, inner.name)
        for inner in _folders(folder)
        for path in sorted(inner.rglob("*"))
        if _is_image(path)
    ]
    return [*direct, *inside]


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, hidden ones left out, sorted."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _is_image(path: Path) -> bool:
    """By its name; hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
