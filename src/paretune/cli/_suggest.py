"""`paretune suggest`."""

from __future__ import annotations

from typing import Annotated

import typer

from paretune.cli._options import Json, Precisions, Quiet, shape, words
from paretune.cli._output import EXIT_CONSTRAINT, Output
from paretune.core import InputError

NAME = "suggest"


def run(
    data_like: Annotated[
        str, typer.Option("--data-like", metavar="SHAPE", help="One sample, such as 3x224x224.")
    ],
    classes: Annotated[int, typer.Option(help="How many classes there are.")],
    constraint: Annotated[
        list[str] | None, typer.Option(help="Such as 'latency <= 5 ms'; may be repeated.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Known networks to choose from.")] = "imagenet-cpu",
    precisions: Precisions = "",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Say which known architectures fit this machine, before anyone trains one."""
    from paretune.pipeline.suggest import suggest
    from paretune.report.hardware import suggestion

    output = Output(json=json, quiet=quiet)
    given = shape(data_like, "--data-like")
    if given is None:
        raise InputError("--data-like is missing: give 3x224x224")
    with output.progress() as progress:
        found = suggest(
            data_like=given,
            classes=classes,
            constraints=constraint or (),
            preset_name=preset,
            precisions=words(precisions),
            progress=progress,
        )
    output.lines(suggestion.summary(found))
    output.results.print(suggestion.table(found))
    output.write_json(found)
    if not any(one.fits for one in found.networks):
        raise typer.Exit(EXIT_CONSTRAINT)
