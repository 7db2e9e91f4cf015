"""`paretune predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.cli._options import Json, Quiet
from paretune.cli._output import Output

NAME = "predict"


def run(
    artifact: Annotated[Path, typer.Argument(metavar="ARTIFACT")],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Images or texts (UTF-8), as the artifact prepares them; .npy or .npz where it "
            "prepares nothing.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes to show.")] = 1,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads; as measured by default.")
    ] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run an artifact on files, preprocessing included."""
    from paretune.artifact import load, predict_files

    output = Output(json=json, quiet=quiet)
    with load(artifact, threads=threads) as predictor:
        found = predict_files(predictor, files, top=top)
    for line in found.lines():
        output.results.print(line, markup=False, highlight=False, soft_wrap=True)
    output.write_json(found)
