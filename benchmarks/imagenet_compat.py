"""The 1000 photographs of `imagenet_compat` in the reference data, as DATA for Paretune.

From the folder above:
`paretune optimize efficientnet-lite0 --data benchmarks.imagenet_compat:dataset`.
The folder of the reference data is `PARETUNE_REFERENCE_DATA`, `../shared/data` by default.
It is an easy set: quote figures on it as differences between variants, never as ImageNet accuracy.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from paretune.core import InputError
from paretune.data import Dataset, ImageFiles
from paretune.data.splits import split

#: Shares of train, search and holdout: few photographs calibrate, all others judge.
FRACTIONS = (0.2, 0.4, 0.4)
CLASSES = 1000


def folder() -> Path:
    """Where the photographs are."""
    default = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    return Path(os.environ.get("PARETUNE_REFERENCE_DATA", default)) / "imagenet_compat"


def dataset(seed: int = 0) -> Dataset:
    """200 photographs to calibrate with, 400 to search on, 400 held out; ImageNet class indices."""
    root = folder()
    table = root / "images.csv"
    if not table.is_file():
        raise InputError(
            f"{table} was not found: set PARETUNE_REFERENCE_DATA to the reference data"
        )
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    paths = [root / "images" / f"{row['ImageId']}.jpg" for row in rows]
    # The table counts classes from 1, ImageNet models from 0.
    labels = np.asarray([int(row["TrueLabel"]) - 1 for row in rows], dtype=np.int64)
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise InputError(f"{table} has a TrueLabel outside of 1 to {CLASSES}: get it again")
    samples = ImageFiles("imagenet_compat", paths, labels)
    return Dataset(samples, split(len(samples), labels, seed=seed, fractions=FRACTIONS))
