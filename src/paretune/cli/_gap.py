"""`paretune gap`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.cli._options import ChartFolder, Json, Quiet
from paretune.cli._output import Output
from paretune.core import InputError

NAME = "gap"


def run(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="RECORD...", help="Of CPUs and a GPU: benches, runs, tables."),
    ],
    model: Annotated[str | None, typer.Option(help="Where the records have several.")] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="RECORD=USD an hour; adds inferences per dollar.")
    ] = None,
    out: ChartFolder = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show how far a CPU is from a GPU: as it came, compiled, quantised and searched."""
    from paretune.report import charts
    from paretune.report.hardware import gap_table
    from paretune.report.hardware.gap import gap
    from paretune.store import records

    output = Output(json=json, quiet=quiet)
    found = gap(records.read_all(files), model=model, prices=_prices(price or []))
    output.lines(gap_table.summary(found))
    for regime in found.bars:
        output.results.print(gap_table.table(found, regime))
    output.write_chart(charts.gap_chart(found, charts.WIDE), out, "gap")
    output.write_json(found)


def _prices(texts: list[str]) -> dict[str, float]:
    """`gpu=2.5` -> {"gpu": 2.5}.

    Raises:
        InputError: it does not read so.
    """
    found = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise InputError(f"--price {text!r} does not read as RECORD=USD: write gpu=2.5")
    return found
