"""Records of other machines and other days: what `bench --json` and `optimize` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from paretune.core import SCHEMA, BenchRatio, BenchRecord, InputError, Result
from paretune.store import published


def read(file: Path) -> BenchRecord:
    """A record; a run's `result.json` is read as the record of its variants.

    Args:
        file: what `bench --json` wrote, a `result.json`, the folder of a run that has one, or a
            table of speed as timm publishes it.

    Raises:
        InputError: it cannot be read, is no record, or is of another schema.
    """
    if file.suffix == ".csv":
        return published.read(file)
    file = file / "result.json" if file.is_dir() else file
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}): give what bench --json wrote"
        ) from error
    except ValueError as error:
        raise InputError(f"{file} is not JSON: give what bench --json wrote") from error
    if not isinstance(known, dict) or not {"schema", "target", "variants"} <= set(known):
        raise InputError(
            f"{file} is no record of measurements: give what bench --json or optimize wrote"
        )
    if known["schema"] != SCHEMA:
        raise InputError(
            f"{file} is of schema {known['schema']}, and this version reads {SCHEMA}: measure "
            "again with this version, or read it with the one that wrote it"
        )
    try:
        if "chosen" in known:
            return of_run(Result.model_validate(known))
        return BenchRecord.model_validate(known)
    except ValidationError as error:
        raise damaged(file, error) from error


def damaged(file: Path, error: ValidationError) -> InputError:
    """What to raise for a file that is none of the records it looks like: says where."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return InputError(f"{file} is damaged at {where}: {first['msg'].lower()}")


def read_all(files: Sequence[Path]) -> dict[str, BenchRecord]:
    """Records by their files' names, with the folder where two are called alike.

    A published table is named after what it was measured on.

    Raises:
        InputError: one cannot be read, or is given twice.
    """
    known = [(file, read(file)) for file in files]
    places = [file.resolve() for file in files]
    if twice := [str(file) for file, at in zip(files, places, strict=True) if places.count(at) > 1]:
        raise InputError(f"{twice[0]} is given twice: give each record once")
    short = [_name(file, record) for file, record in known]
    found: dict[str, BenchRecord] = {}
    for (file, record), name in zip(known, short, strict=True):
        name = name if short.count(name) == 1 else f"{file.parent.name}/{_plain(file)}"
        found[name if name not in found else str(file.resolve())] = record
    return found


def _name(file: Path, record: BenchRecord) -> str:
    if record.origin == "published":
        return record.target.gpus[0].name if record.target.gpus else record.target.cpu
    return _plain(file)


def _plain(file: Path) -> str:
    """A file's name without its suffix; a folder's as it is."""
    return file.name if file.is_dir() else file.stem


def of_run(result: Result) -> BenchRecord:
    """The part of a run that a bench would have recorded."""
    ratio = BenchRatio(id=result.chosen, latency=result.ratios.latency_vs_baseline)
    return BenchRecord(
        target=result.target,
        variants=result.variants,
        baseline=result.baseline,
        ratios=() if result.chosen == result.baseline else (ratio,),
        conditions=result.conditions,
        inputs=result.inputs,
        data=result.dataset.name,
        metric=result.dataset.metric,
    )
