"""Cut samples into `train`, `search` and `holdout`: disjoint, stratified, the same every time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data.base import SPLITS

Indices = NDArray[np.int64]

#: Shares of train, search and holdout.
FRACTIONS = (0.4, 0.3, 0.3)
#: Every variant is scored on `search`, only two on `holdout`; more samples than these buy little:
#: with one answer in fifty changed, a paired drop on 5,000 samples is known to 0.4 points.
LARGEST = {"search": 5_000, "holdout": 10_000}
#: Accuracy on fewer than 30 samples says nothing: one sample weighs more than 3 points and the
#: 95 % Wilson interval may be 34 points wide. Calibration can do with less.
FEWEST = {"train": 10, "search": 30, "holdout": 30}


def split(
    n: int,
    labels: Indices | None,
    *,
    seed: int = 0,
    fractions: Sequence[float] | None = None,
    name: str = "data",
) -> dict[str, Indices]:
    """Cut `n` samples into the three splits, each class in the same proportions.

    Args:
        n: samples.
        labels: class of each sample, int64 (n,), or None when unlabelled.
        seed: equal seeds give equal splits.
        fractions: shares of train, search and holdout, 0.4, 0.3 and 0.3 where not given; then
            search and holdout are also capped (`LARGEST`) and train takes the rest.
        name: the data, for messages.

    Returns:
        Split name to sorted sample indices.

    Raises:
        InputError: shares that are no shares; too few samples.
    """
    shares = _shares(fractions)
    counts = _counts(n, shares, capped=fractions is None)
    if any(counts[part] < FEWEST[part] for part in SPLITS):
        needed = _needed(shares)
        raise InputError(
            f"{name} has {n} samples and its three splits need at least {needed} "
            f"({FEWEST['search']} each to search and to hold out): add samples"
        )
    return _share_out(counts, labels, n, seed)


def complete(
    parts: Mapping[str, Indices],
    labels: Indices | None,
    *,
    seed: int = 0,
    search_from_train: bool = False,
    name: str = "data",
) -> dict[str, Indices]:
    """The three splits where the data itself fixes some of them, capped as by `split`.

    Args:
        parts: split name to sample indices: train and at least one other.
        labels: class of each sample, int64 (n,), or None when unlabelled.
        seed: equal seeds give equal splits.
        search_from_train: with holdout alone beside train, cut search from train. Otherwise
            search and holdout share the one other part: the model has most likely been trained on
            train, and nothing should be judged on what it has seen.
        name: the data, for messages.

    Raises:
        InputError: no train part, nothing beside it, or too few samples in a split.
    """
    done = {part: np.asarray(indices, dtype=np.int64) for part, indices in parts.items()}
    others = [part for part in ("search", "holdout") if part in done]
    if "train" not in done or not others:
        raise InputError(
            f"{name} fixes the split {', '.join(done)} alone: add a train and a test part"
        )
    if len(others) == 1:
        source = "train" if search_from_train and others == ["holdout"] else others[0]
        whole = done[source]
        share = min(LARGEST["search"] / max(len(whole), 1), 0.3) if source == "train" else 0.5
        rest = "train" if source == "train" else "holdout"
        cut = _share_out(
            {"search": int(len(whole) * share), rest: len(whole) - int(len(whole) * share)},
            None if labels is None else labels[whole],
            len(whole),
            seed,
        )
        done.update({part: whole[places] for part, places in cut.items()})
    for part, most in LARGEST.items():
        whole = done[part]
        if len(whole) > most:
            of_class = None if labels is None else labels[whole]
            done[part] = whole[_share_out({part: most}, of_class, len(whole), seed)[part]]
    for part in SPLITS:
        if len(done[part]) < FEWEST[part]:
            raise InputError(
                f"{name} leaves {len(done[part])} samples for {part} and it needs at least "
                f"{FEWEST[part]}: add samples"
            )
    return {part: done[part] for part in SPLITS}


def _share_out(
    counts: Mapping[str, int], labels: Indices | None, n: int, seed: int
) -> dict[str, Indices]:
    """`n` places in parts of the given sizes, stratified where there are labels.

    Every part claims evenly spaced places in the order of classes, so that a class of any size is
    shared out in proportion, to one sample, while the totals stay exact.
    """
    shuffled = np.random.default_rng(seed).permutation(n)
    if labels is not None:
        shuffled = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sizes = list(counts.values())
    claims = np.concatenate([(np.arange(size) + 0.5) / max(size, 1) for size in sizes])
    order = np.argsort(claims, kind="stable")
    owners = np.repeat(np.arange(len(sizes)), sizes)[order]
    # Where the parts leave samples over, what is taken is spread over all of the order.
    chosen = shuffled[np.arange(len(owners)) * n // max(len(owners), 1)]
    return {part: np.sort(chosen[owners == index]) for index, part in enumerate(counts)}


def check_disjoint(splits: Mapping[str, Indices], n: int, name: str) -> None:
    """Refuse splits that are not the three, empty, outside of the samples or overlapping.

    Raises:
        InputError: says which.
    """
    for part in SPLITS:
        if part not in splits or len(splits[part]) == 0:
            raise InputError(f"{name} has no samples in split {part!r}: every split needs some")
        if splits[part].min() < 0 or splits[part].max() >= n:
            raise InputError(f"{name} has {n} samples and split {part!r} points outside of them")
    together = np.concatenate([splits[part] for part in SPLITS])
    if len(np.unique(together)) != len(together):
        raise InputError(f"{name} has a sample in two splits or twice in one: make them disjoint")


def _shares(fractions: Sequence[float] | None) -> tuple[float, ...]:
    """The shares, scaled to sum 1."""
    if fractions is None:
        return FRACTIONS
    values = tuple(float(value) for value in fractions)
    if (
        len(values) != 3
        or not all(math.isfinite(v) and v > 0 for v in values)
        or sum(values) > 1.001
    ):
        raise InputError(
            f"fractions {tuple(fractions)} must be three positive shares of train, search and "
            "holdout that sum to at most 1, such as 0.4 0.3 0.3"
        )
    return values


def _counts(n: int, shares: Sequence[float], *, capped: bool) -> dict[str, int]:
    """Samples of each split."""
    counts = {
        part: math.floor(n * share + 1e-9) for part, share in zip(SPLITS, shares, strict=True)
    }
    if capped:
        for part, most in LARGEST.items():
            counts[part] = min(counts[part], most)
    if sum(shares) > 1 - 1e-6:
        counts["train"] = n - counts["search"] - counts["holdout"]
    return counts


def _needed(shares: Sequence[float]) -> int:
    """Fewest samples that fill every split."""
    return max(
        math.ceil(FEWEST[part] / share - 1e-9) for part, share in zip(SPLITS, shares, strict=True)
    )


def evenly(rows: Indices, most: int) -> Indices:
    """At most so many rows, spread evenly: samples mostly lie in the order of their classes.

    Args:
        rows: int64 (n,).
        most: rows that are left where there are more.
    """
    count = min(len(rows), most)
    return rows[np.arange(count) * len(rows) // max(count, 1)]
