"""`paretune predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from paretune.cli._options import Json, Quiet
from paretune.cli._output import Output
from paretune.core import Noun

NAME = "predict"


class Guess(Noun):
    """One ranked class: label or index, and its probability 0..1."""

    label: str
    index: int
    probability: float


class FilePrediction(Noun):
    """What the artifact says of one file: ranked classes, or outputs of other models."""

    file: str
    top: tuple[Guess, ...]
    outputs: dict[str, list[object]] = {}


class Predictions(Noun):
    """What `predict --json` writes."""

    artifact: str
    predictions: tuple[FilePrediction, ...]


def run(
    artifact: Annotated[Path, typer.Argument(metavar="ARTIFACT")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Images, .npy or .npz.")],
    top: Annotated[int, typer.Option(min=1, help="Classes to show.")] = 1,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads; as measured by default.")
    ] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run an artifact on files, preprocessing included."""
    from paretune.artifact import load

    output = Output(json=json, quiet=quiet)
    with load(artifact, threads=threads) as predictor:
        found = predictor.predict(files, top=top)
    rows = []
    for file, prediction in zip(files, found, strict=True):
        guesses = tuple(
            Guess(label=choice.label, index=choice.index, probability=choice.probability)
            for choice in prediction.top
        )
        tensors = (
            {} if guesses else {k: np.asarray(v).tolist() for k, v in prediction.outputs.items()}
        )
        rows.append(FilePrediction(file=file, top=guesses, outputs=tensors))
        said = ", ".join(f"{guess.label} {guess.probability:.1%}" for guess in guesses)
        shapes = ", ".join(f"{k} {np.shape(v)}" for k, v in prediction.outputs.items())
        text = f"{file}: {said or shapes}"
        output.results.print(text, markup=False, highlight=False, soft_wrap=True)
    output.write_json(Predictions(artifact=str(artifact), predictions=tuple(rows)))
