"""What a run's report is set against: records of other machines, a roofline, a frontier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from paretune.core import BenchRecord, InputError, Noun
from paretune.core.roofline import Roofline
from paretune.report.folder import made
from paretune.report.hardware.models import ModelFrontier
from paretune.store import paths, records

#: Folder of a run that keeps the files, so that its report can be written again without them.
FOLDER = "records"
#: Of the files in it: others are drafts.
SUFFIXES = (".json", ".csv")

Kind = TypeVar("Kind", Roofline, ModelFrontier)


class Against(Noun):
    """What was measured elsewhere or otherwise.

    Attributes:
        records: benches, runs and published tables, by name.
        rooflines: of the model, or of others.
        frontiers: of known networks on this machine.
    """

    records: dict[str, BenchRecord] = {}
    rooflines: tuple[Roofline, ...] = ()
    frontiers: tuple[ModelFrontier, ...] = ()


def read(files: Sequence[Path]) -> Against:
    """Files told apart by what is in them.

    Args:
        files: what `bench`, `optimize`, `roofline` or `frontier` wrote as JSON, folders of runs,
            or published tables.

    Raises:
        InputError: one cannot be read; says which and why.
    """
    rooflines, frontiers, others = [], [], []
    for file in files:
        keys = _keys(file)
        if {"peaks", "layers", "call_us"} <= keys:
            rooflines.append(_validated(Roofline, file))
        elif {"points", "frontier", "target"} <= keys:
            frontiers.append(_validated(ModelFrontier, file))
        else:
            others.append(file)
    return Against(
        records=records.read_all(others),
        rooflines=tuple(rooflines),
        frontiers=tuple(frontiers),
    )


def keep(files: Sequence[Path], run: Path) -> None:
    """Copy files into a run's folder, where `kept` finds them.

    Raises:
        InputError: two would get the same name, or the folder cannot be written.
    """
    if not files:
        return
    folder = made(run / FOLDER)
    names: dict[str, Path] = {}
    for file in files:
        source = file / "result.json" if file.is_dir() else file
        name = file.name if file.suffix in SUFFIXES else f"{file.name}.json"
        if name in names:
            name = f"{source.resolve().parent.name}-{name}"
        if name in names:
            raise InputError(f"{file} has the same name as {names[name]}: rename one of them")
        names[name] = file
        if source.resolve() != (folder / name).resolve():
            paths.write_bytes_atomic(folder / name, source.read_bytes())


def kept(run: Path) -> Against:
    """What an earlier `keep` put into a run's folder.

    Raises:
        InputError: a file there is damaged.
    """
    folder = run / FOLDER
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return read([file for file in found if file.suffix in SUFFIXES])


def _keys(file: Path) -> set[str]:
    """Top-level keys of a JSON file; none where it is something else, which others judge."""
    if not file.is_file() or file.suffix == ".csv":
        return set()
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return set()
    return set(known) if isinstance(known, dict) else set()


def _validated(kind: type[Kind], file: Path) -> Kind:
    try:
        return kind.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise records.damaged(file, error) from error
