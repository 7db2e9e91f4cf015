"""`paretune report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from paretune.cli._options import Against, Json, Quiet
from paretune.cli._output import Output
from paretune.core import InputError, Result

NAME = "report"


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    records: Against = None,
    charts: Annotated[bool, typer.Option("--charts", help="Also write PNG and SVG files.")] = False,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write report.html again from a run's result.json."""
    from paretune import report
    from paretune.report.hardware import against

    output = Output(json=json, quiet=quiet)
    file = folder / "result.json"
    try:
        result = Result.model_validate_json(file.read_text())
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: give the folder of a finished run, as optimize made it"
        ) from error
    except ValidationError as error:
        raise InputError(f"{file} is no result of schema 1: run optimize again") from error
    against.read(records or ())
    against.keep(records or (), folder)
    written = [report.write(result, folder)]
    if charts:
        written += report.write_charts(result, folder)
    for path in written:
        output.results.print(str(path), markup=False, highlight=False, soft_wrap=True)
    output.write_json(result)
