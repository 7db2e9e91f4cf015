"""`load_data`: whatever the user has, as samples in three splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paretune.core import InputError
from paretune.data._memory import TensorSamples, from_pair
from paretune.data.base import Dataset, Samples
from paretune.data.registry import Opened, find
from paretune.data.splits import check_disjoint, complete, split

Data = str | Path | Dataset | Samples | tuple[Any, ...] | Mapping[str, Any]


def load_data(data: Data, *, seed: int = 0, fractions: Sequence[float] | None = None) -> Dataset:
    """Samples in the splits `train`, `search` and `holdout`.

    Args:
        data: a DATA text, a path, samples, a dataset with splits of its own, `(x, y)` arrays with
            samples on axis 0 (`y` may be None), or `({input name: array}, y)`.
        seed: decides the splits; equal seeds give equal splits.
        fractions: shares of train, search and holdout; 0.4, 0.3 and 0.3 where not given, with
            search capped at 5,000 samples and holdout at 10,000. Ignored where the data fixes
            its splits, which are capped, too.

    Raises:
        InputError: one sentence: what is wrong with the data, where, and the mend.
        MissingPackageError: a package is needed to read it.
    """
    opened = _open(data)
    if isinstance(opened, Dataset):
        check_disjoint(opened.splits, len(opened.samples), opened.samples.name)
        _check_classes(opened.samples)
        return opened
    samples = opened.samples
    if len(samples) == 0:
        raise InputError(f"{samples.name} holds no samples: add some")
    _check_classes(samples)
    if opened.parts:
        splits = complete(
            opened.parts,
            samples.labels,
            seed=seed,
            search_from_train=opened.search_from_train,
            name=samples.name,
        )
    else:
        splits = split(
            len(samples), samples.labels, seed=seed, fractions=fractions, name=samples.name
        )
    return Dataset(samples, splits)


def _open(data: Data) -> Opened | Dataset:
    """Samples, with the splits that the data fixes."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Samples):
        return Opened(data)
    if isinstance(data, tuple):
        return Opened(from_pair(data))
    if isinstance(data, Mapping):
        return Opened(TensorSamples("arrays", {k: np.asarray(v) for k, v in data.items()}))
    text = str(data)
    return find(text).open(text)


def _check_classes(samples: Samples) -> None:
    """Refuse labels that cannot tell a good model from a bad one."""
    labels = samples.labels
    if labels is None:
        return
    if len(labels) != len(samples):
        raise InputError(
            f"{samples.name} has {len(samples)} samples and {len(labels)} labels: give one each"
        )
    if len(labels) and (labels == labels[0]).all():
        raise InputError(
            f"{samples.name} has only one class, and accuracy on it says nothing: add the other "
            "classes or leave the labels out"
        )
