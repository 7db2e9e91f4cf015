"""Tables of speed that others have published, read as records that say so.

The format is that of timm's `results/benchmark-infer-*.csv`: what was measured on stands in the
file's name, such as `benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from paretune.core import (
    BenchRecord,
    Device,
    Gpu,
    InputError,
    Precision,
    Target,
    Variant,
    VariantRecord,
)

COLUMNS = ("model", "infer_img_size", "infer_samples_per_sec", "infer_batch_size")
_NAME = re.compile(
    r"benchmark-infer-(?P<precision>\w+)-(?P<layout>nchw|nhwc)-pt(?P<torch>\d+)-"
    r"(?P<build>\w+)-(?P<machine>\w+?)(?P<compiled>-dynamo)?"
)
#: Automatic mixed precision of timm computes in f16 where PyTorch's autocast says so.
_PRECISIONS: dict[str, Precision] = {"fp32": "f32", "amp": "f16"}


def read(file: Path) -> BenchRecord:
    """A published table as a record: throughput alone, without intervals.

    An architecture is named with its image size, such as `resnet50@224`.

    Raises:
        InputError: the table has other columns, a figure that is none, or a name that does not say
            what was measured on.
    """
    known = _NAME.fullmatch(file.stem)
    if known is None or known["precision"] not in _PRECISIONS:
        raise InputError(
            f"{file.name} does not say what was measured: name a published table as timm does, "
            "such as benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"
        )
    rows = _rows(file, COLUMNS, "give a table as timm publishes it")
    device: Device = "cpu" if known["build"] == "cpu" else "cuda"
    machine = known["machine"].replace("_", "-")
    version = f"{known['torch'][0]}.{known['torch'][1:-1]}.{known['torch'][-1]}"
    return BenchRecord(
        target=Target(
            cpu=machine if device == "cpu" else "not told",
            isa=(),
            physical_cores=1,
            logical_cores=1,
            memory_mb=0,
            os="not told",
            versions={"torch": version},
            gpus=() if device == "cpu" else (Gpu(name=machine, memory_mb=0, capability=""),),
        ),
        variants=tuple(
            _variant(file, row, device, known["precision"], known["compiled"] is not None)
            for row in rows
        ),
        origin="published",
        source=f"timm, results/{file.name}",
    )


def _variant(
    file: Path, row: dict[str, str], device: Device, precision: str, compiled: bool
) -> VariantRecord:
    try:
        size, batch = int(row["infer_img_size"]), int(row["infer_batch_size"])
        rate = float(row["infer_samples_per_sec"])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{file}: the row of {row['model']} has no number where one belongs"
        ) from error
    variant = Variant(
        architecture=f"{row['model']}@{size}",
        runtime="torch-compile" if compiled else "torch-eager",
        precision=_PRECISIONS[precision],
        recipe="amp" if precision == "amp" else "",
        device=device,
        batch=batch,
    )
    return VariantRecord.of(variant, "ok").model_copy(update={"throughput_per_s": rate})


def read_accuracy(file: Path) -> dict[str, float]:
    """Published top-1 accuracies by model, as fractions.

    Args:
        file: a table with columns `model` and `top1` in percent, as timm's
            `results-imagenet.csv`; with a column `img_size` the name is `model@size`, too.

    Raises:
        InputError: it cannot be read, lacks a column, or has a figure that is none.
    """
    rows = _rows(file, ("model", "top1"), "it needs model and top1, in percent")
    found: dict[str, float] = {}
    for row in rows:
        try:
            top1 = float(row["top1"]) / 100
        except (TypeError, ValueError):
            top1 = -1.0
        if not 0 <= top1 <= 1:
            raise InputError(f"{file}: top1 of {row['model']} is no percentage: {row['top1']!r}")
        size = row.get("img_size")
        found[f"{row['model']}@{size}" if size else row["model"]] = top1
    return found


def _rows(file: Path, columns: Sequence[str], mend: str) -> list[dict[str, str]]:
    """The rows of a table that must have these columns.

    Raises:
        InputError: it cannot be read, or lacks one; `mend` ends the sentence.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            table = csv.DictReader(stream)
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} cannot be read as a table: {error}") from error
    missing = [name for name in columns if name not in (table.fieldnames or ())]
    if missing:
        raise InputError(f"{file} has no column {missing[0]}: {mend}")
    return rows
