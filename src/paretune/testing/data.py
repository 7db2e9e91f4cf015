"""What every form of DATA must pass: call from a test with samples of a small real set."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from paretune.data import SPLITS, Raw, Samples, find, load_data


def check_samples(samples: Samples) -> None:
    """Hold samples against what `paretune.data.Samples` promises.

    Args:
        samples: at least two of them.

    Raises:
        AssertionError: a promise that is not kept.
    """
    n = len(samples)
    assert n >= 2, "give at least two samples to check"
    assert samples.name, "samples have no name"
    assert samples.kind in ("image", "text", "tensors"), f"unknown kind {samples.kind!r}"
    assert all(isinstance(text, str) for text in samples.skipped), "skipped holds names"
    _check_labels(samples, n)
    indices = sorted({0, 1, n // 2, n - 1})
    first = [samples.raw(index) for index in indices]
    for raw in first:
        _check_raw(samples.kind, raw)
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(samples.raw, indices))
    for index, one, other in zip(indices, first, again, strict=True):
        assert _same(one, other), f"sample {index} is another when read from another thread"
    assert samples.describe(0), "a sample has no description"
    identity = samples.identity()
    assert identity, "samples have no identity"
    assert identity == samples.identity(), "the identity changes between calls"


def check_format(name: str, text: str) -> None:
    """Hold a form of DATA against what `paretune.data.Format` promises.

    Args:
        name: the form that must answer to the text.
        text: DATA of that form with enough samples for three splits.

    Raises:
        AssertionError: a promise that is not kept.
    """
    assert find(text).name == name, f"{text!r} is taken by {find(text).name}"
    dataset, again = load_data(text, seed=1), load_data(text, seed=1)
    check_samples(dataset.samples)
    together = np.concatenate([dataset.splits[part] for part in SPLITS])
    assert len(set(together.tolist())) == len(together), "splits overlap"
    assert together.min() >= 0, "a split points outside of the samples"
    assert together.max() < len(dataset.samples), "a split points outside of the samples"
    for part in SPLITS:
        assert len(dataset.splits[part]), f"split {part} is empty"
        assert (dataset.splits[part] == again.splits[part]).all(), "one seed, two different cuts"
    assert dataset.samples.identity() == again.samples.identity(), "one set, two identities"


def _check_labels(samples: Samples, n: int) -> None:
    """Labels are class indices, one for each sample, within the class names."""
    labels, names = samples.labels, samples.class_names
    if labels is None:
        return
    assert labels.dtype == np.int64, f"labels are {labels.dtype}, not int64"
    assert labels.shape == (n,), f"labels have shape {labels.shape}, not ({n},)"
    if names is not None:
        assert labels.min() >= 0, "a label has no class name"
        assert labels.max() < len(names), "a label has no class name"


def _check_raw(kind: str, raw: Raw) -> None:
    """A sample is of the promised type."""
    if kind == "image":
        from PIL.Image import Image

        assert isinstance(raw, Image), f"an image sample is {type(raw).__name__}"
    elif kind == "text":
        assert isinstance(raw, str), f"a text sample is {type(raw).__name__}"
    else:
        assert isinstance(raw, dict), f"a tensors sample is {type(raw).__name__}"
        assert raw, "a tensors sample is empty"
        assert all(isinstance(key, str) for key in raw), "tensors have names"


def _same(one: Raw, other: Raw) -> bool:
    """Whether two raw samples are equal."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(np.array_equal(one[k], other[k]) for k in one)
    if isinstance(one, str):
        return bool(one == other)
    return bool(one.size == other.size and np.array_equal(np.asarray(one), np.asarray(other)))
