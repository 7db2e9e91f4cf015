"""Whether a dataset fits a model: asked before anything is measured."""

from __future__ import annotations

import numpy as np

from paretune.core import InputError, Model, Preprocessing
from paretune.data.base import SPLITS, Dataset, Samples
from paretune.data.convert import converter


def check_against(
    dataset: Dataset, model: Model, *, preprocessing: Preprocessing | None = None
) -> Dataset:
    """Refuse a dataset that the model cannot take, and put its labels into the model's order.

    The first sample of each split is converted, which finds a wrong shape, channel count, dtype,
    kind of samples or missing input.

    Args:
        dataset: samples and splits.
        model: gives inputs, classes and class names.
        preprocessing: used instead of the model's.

    Returns:
        The dataset, whose labels are the model's class indices: where the data and the model both
        name their classes, a class is found by its name.

    Raises:
        InputError: what does not fit, and the mend.
    """
    convert = converter(dataset.samples, model.inputs, preprocessing or model.preprocessing)
    for part in SPLITS:
        convert(int(dataset.splits[part][0]))
    if model.task != "classification" or dataset.samples.labels is None:
        return dataset
    samples = _aligned(dataset.samples, model)
    _check_range(samples, model)
    return Dataset(samples, dataset.splits)


class Relabelled(Samples):
    """Samples with other labels."""

    def __init__(
        self, samples: Samples, labels: np.ndarray[tuple[int], np.dtype[np.int64]], model: Model
    ) -> None:
        self.name, self.kind, self.skipped = samples.name, samples.kind, samples.skipped
        self.labels, self.class_names = labels, model.labels
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def raw(self, index: int) -> object:
        """The sample as stored."""
        return self._samples.raw(index)

    def describe(self, index: int) -> str:
        """The sample in a message."""
        return self._samples.describe(index)

    def identity(self) -> str:
        """That of the samples; labels are hashed beside it."""
        return self._samples.identity()


def _aligned(samples: Samples, model: Model) -> Samples:
    """The samples with the model's class indices, found by name where both sides have names."""
    if samples.labels is None or samples.class_names is None or model.labels is None:
        return samples
    index_of = {_plain(label): index for index, label in enumerate(model.labels)}
    found = [index_of.get(_plain(name)) for name in samples.class_names]
    if all(index is None for index in found):
        return samples
    unknown = [n for n, index in zip(samples.class_names, found, strict=True) if index is None]
    if unknown:
        raise InputError(
            f"{samples.name} has a class {unknown[0]!r} that the model does not know, though it "
            "knows others: rename or remove it"
        )
    order = np.asarray(found, dtype=np.int64)
    if (order == np.arange(len(order))).all():
        return samples
    return Relabelled(samples, order[samples.labels], model)


def _plain(name: str) -> str:
    """A class name without what people write differently."""
    return name.strip().casefold().replace("_", " ")


def _check_range(samples: Samples, model: Model) -> None:
    """Refuse labels that are no class of the model."""
    labels, classes = samples.labels, model.classes
    if labels is None or classes is None:
        return
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"{samples.name} has label {int(labels[first])} ({samples.describe(first)}) and the "
            f"model has {classes} classes: labels must be 0 to {classes - 1}"
        )
