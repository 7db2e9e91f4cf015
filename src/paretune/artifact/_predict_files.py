"""Predictions of files, as text lines and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from paretune.artifact.prediction import Prediction
from paretune.artifact.predictor import Predictor
from paretune.core import Noun

SCHEMA = 1
#: Outputs with more values than this are told by their shape only.
MOST_VALUES = 10


class ClassChance(Noun):
    """A class with its probability."""

    index: int
    label: str
    probability: float


class FilePrediction(Noun):
    """What the model says of one sample of a file.

    Attributes:
        file: the file as it was named.
        sample: index within the file, 0 but for files that hold a batch.
        top: the most probable classes, best first; empty for tasks other than classification.
        outputs: every output by name as nested lists, for tasks other than classification.
    """

    file: str
    sample: int = 0
    top: tuple[ClassChance, ...] = ()
    outputs: dict[str, Any] = {}


class FilePredictions(Noun):
    """What `paretune predict --json` writes."""

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    model: str
    predictions: tuple[FilePrediction, ...]

    def lines(self) -> list[str]:
        """One line a sample: file, then classes with percentages, or outputs."""
        return [_line(row) for row in self.predictions]


def predict_files(
    predictor: Predictor, files: Sequence[str | Path], *, top: int = 1
) -> FilePredictions:
    """Run an artifact on files.

    Args:
        predictor: the loaded artifact.
        files: images, UTF-8 text files, or `.npy` and `.npz` tensors where the artifact has no
            preprocessing.
        top: classes of each sample.

    Raises:
        InputError: a file that is missing, unreadable or does not fit the model.
    """
    rows: list[FilePrediction] = []
    for file in files:
        found = predictor.predict([Path(file)], top=top)
        rows += [_row(str(file), index, prediction) for index, prediction in enumerate(found)]
    return FilePredictions(model=predictor.manifest.model, predictions=tuple(rows))


def _row(file: str, sample: int, prediction: Prediction) -> FilePrediction:
    chances = tuple(
        ClassChance(index=c.index, label=c.label, probability=c.probability) for c in prediction.top
    )
    raw = {} if chances else {name: out.tolist() for name, out in prediction.outputs.items()}
    return FilePrediction(file=file, sample=sample, top=chances, outputs=raw)


def _line(row: FilePrediction) -> str:
    if row.top:
        said = ", ".join(f"{choice.label} {choice.probability:.1%}" for choice in row.top)
    else:
        said = ", ".join(f"{name} {_values(values)}" for name, values in row.outputs.items())
    place = f"{row.file}[{row.sample}]" if row.sample else row.file
    return f"{place}: {said}"


def _values(values: Any) -> str:
    import numpy as np

    array = np.asarray(values)
    if array.size <= MOST_VALUES:
        return " ".join(f"{value:.4g}" for value in array.reshape(-1))
    return f"shape {array.shape}, {array.min():.4g} to {array.max():.4g}"
