"""`paretune demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.cli._optimize import show
from paretune.cli._options import Json, Quiet, Seed
from paretune.cli._output import Output

NAME = "demo"


def run(
    out: Annotated[Path, typer.Option(help="Folder for the result.")] = Path("demo"),
    effort: Annotated[str, typer.Option(help="compile, quantize or search.")] = "search",
    budget: Annotated[
        str | None, typer.Option(help="Time for the trip after training: 280s by default.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    seed: Seed = 0,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Train a small CNN on scanned digits and take it on the whole trip, offline."""
    from paretune.pipeline import demo

    output = Output(json=json, quiet=quiet)
    with output.progress() as progress:
        result = demo(
            out=out, effort=effort, budget=budget, resume=resume, seed=seed, progress=progress
        )
    show(result, out, output)
