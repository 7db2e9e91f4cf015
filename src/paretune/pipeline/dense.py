"""Fewer samples where each has a large output, such as a map of classes for every pixel."""

from __future__ import annotations

import math

from paretune.core import Model
from paretune.data import Dataset
from paretune.data.splits import evenly

#: Bytes that the first outputs of all samples of a split may take: they are held at once, and kept.
OUTPUT_BYTES = 1e9
#: Samples that are left however large they are.
FEWEST = 30


def within_memory(dataset: Dataset, model: Model) -> tuple[Dataset, str]:
    """The data set with no more samples to judge on than outputs can be held of; and why, if cut.

    Args:
        dataset: its splits `search` and `holdout` are cut, evenly spread.
        model: tells the size of its first output; a free size is taken as it comes.
    """
    shape = model.outputs[0].shape[1:] if model.outputs else ()
    if None in shape:
        return dataset, ""
    size = 4 * math.prod(axis for axis in shape if axis is not None)
    most = max(FEWEST, int(OUTPUT_BYTES // size))
    splits = dict(dataset.splits)
    for name in ("search", "holdout"):
        splits[name] = evenly(splits[name], most)
    cut = [
        f"{len(splits[name])} of {len(rows)}"
        for name, rows in dataset.splits.items()
        if len(splits[name]) < len(rows)
    ]
    if not cut:
        return dataset, ""
    return Dataset(dataset.samples, splits), (
        f"an output takes {size / 1e6:.3g} MB, so that variants are judged on fewer samples: "
        f"{' and '.join(cut)}"
    )
