"""A loaded artifact that answers calls of any batch size."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from paretune.artifact._feeds import checked, feeds_of
from paretune.artifact.manifest import Manifest
from paretune.artifact.prediction import Prediction, rank
from paretune.core import InputError, UnsupportedError
from paretune.runtimes.base import Array, Feeds, Session, Settings


class Predictor:
    """A loaded artifact. Use it from one thread at a time; `paretune.load` makes one.

    Attributes:
        manifest: what the artifact says of itself.
        settings: how it is being run.
        folder: where the artifact is.
    """

    def __init__(
        self, manifest: Manifest, session: Session, settings: Settings, folder: Path
    ) -> None:
        self.manifest = manifest
        self.folder = folder
        self.settings = settings
        self._session = session

    def predict(self, batch: Any, *, top: int = 5) -> list[Prediction]:
        """One prediction a sample.

        Args:
            batch: preprocessed tensors with the batch on axis 0, as an array (models of one
                input) or a mapping of input name to array; or a list of raw samples, which the
                artifact's own preprocessing is carried out on: image paths, PIL images, texts.
                Without preprocessing a list names `.npy` or `.npz` files.
            top: how many classes to rank.

        Raises:
            InputError: the batch does not fit the model, or its outputs are not finite.
        """
        feeds = feeds_of(batch, self.manifest.inputs, self.manifest.preprocessing)
        outputs = self._run(feeds)
        classifier = self.manifest.task == "classification"
        names = [spec.name for spec in self.manifest.outputs]
        rows = []
        for index in range(_count(feeds)):
            # A number that belongs to no sample, such as a loss, is handed through.
            each = (out[index] if out.ndim else out for out in outputs)
            own = dict(zip(names, each, strict=True))
            ranked = rank(outputs[0][index], self.manifest.labels, top) if classifier else ()
            rows.append(Prediction(outputs=own, top=ranked))
        return rows

    def run(self, feeds: Mapping[str, Any]) -> list[Array]:
        """Raw outputs in order, batch on axis 0.

        Args:
            feeds: every input by name, batch of any size on axis 0.

        Raises:
            InputError: the feeds do not fit the model.
            UnsupportedError: the batch must be cut up and an output has no batch axis.
        """
        arrays = {str(name): np.asarray(value) for name, value in feeds.items()}
        return self._run(checked(arrays, self.manifest.inputs))

    def to_torch(self, baseline: Any = None) -> Any:
        """The network that a search found, as a PyTorch module with its weights, to train on.

        It is built as it was found: from the user's own model, whose blocks are replaced.

        Args:
            baseline: that model as a `torch.nn.Module`, with any weights; by default it is
                brought in as the MODEL text says, unless that names code
                (`package.module:factory`), which no artifact has run.

        Raises:
            InputError: the artifact holds the user's own architecture, or the model must be
                given, cannot be brought in or has changed.
            MissingPackageError: PyTorch is not installed.
        """
        if not self.manifest.architecture:
            raise InputError(
                f"{self.folder} holds the architecture of {self.manifest.model} unchanged: load "
                "that model itself"
            )
        # By name: what builds networks stands above this layer.
        rebuild = import_module("paretune.search.rebuild")
        return rebuild.network(self.folder, baseline)

    def close(self) -> None:
        """Give back what the session holds."""
        self._session.close()

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, feeds: Feeds) -> list[Array]:
        """Cut into the batch the session was compiled for, fill up the last, and join."""
        size, total = self.settings.batch, _count(feeds)
        if total == size:
            return self._session.run(feeds)
        pieces = [_piece(feeds, start, size) for start in range(0, total, size)]
        streams = min(self.settings.streams, len(pieces))

        def drive(stream: int) -> list[list[Array]]:
            return [self._session.run(piece, stream) for piece in pieces[stream::streams]]

        if streams == 1:
            done = [drive(0)]
        else:
            with ThreadPoolExecutor(streams) as pool:
                done = list(pool.map(drive, range(streams)))
        ordered = [done[i % streams][i // streams] for i in range(len(pieces))]
        return [
            self._join([outputs[i] for outputs in ordered], i)[:total]
            for i in range(len(self.manifest.outputs))
        ]

    def _join(self, parts: list[Array], index: int) -> Array:
        if any(part.ndim == 0 or len(part) != self.settings.batch for part in parts):
            name = self.manifest.outputs[index].name
            raise UnsupportedError(
                f"output {name!r} has no batch axis, so only batches of {self.settings.batch} "
                "can be run"
            )
        return np.concatenate(parts)


def _count(feeds: Feeds) -> int:
    """Samples in the batch."""
    return len(next(iter(feeds.values())))


def _piece(feeds: Feeds, start: int, size: int) -> dict[str, Array]:
    """`size` samples from `start`; what is missing at the end repeats the last sample."""
    piece = {name: array[start : start + size] for name, array in feeds.items()}
    short = size - _count(piece)
    if short == 0:
        return piece
    return {
        name: np.concatenate([array, np.repeat(array[-1:], short, axis=0)])
        for name, array in piece.items()
    }
