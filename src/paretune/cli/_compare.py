"""`paretune compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from paretune.cli._options import Json, Quiet, words
from paretune.cli._output import Output
from paretune.core import InputError

NAME = "compare"
BY = ("model", "variant")


def run(
    files: Annotated[
        list[Path], typer.Argument(metavar="RECORD...", help="What bench --json wrote, or runs.")
    ],
    by: Annotated[str | None, typer.Option(help="model, or variant.")] = None,
    precision: Annotated[str | None, typer.Option(help="Compare only this precision.")] = None,
    only: Annotated[str, typer.Option(help="Comma-separated parts of names to compare.")] = "",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Compare records of several machines: who is fastest where, and whose order turns round."""
    from paretune.report.hardware import machine_tables
    from paretune.report.hardware.machines import By, machines
    from paretune.store import records

    output = Output(json=json, quiet=quiet)
    if by is not None and by not in BY:
        raise InputError(f"--by {by!r} is unknown: give {' or '.join(BY)}")
    found = machines(
        records.read_all(files), by=cast(By | None, by), precision=precision, only=words(only)
    )
    output.lines(machine_tables.summary(found))
    output.results.print(machine_tables.machines(found))
    output.lines(machine_tables.legend(found))
    output.write_json(found)
