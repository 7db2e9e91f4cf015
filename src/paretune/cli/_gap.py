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
    model: Annotated[str | None, typer.Option(help="Only this one, in detail.")] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="RECORD=USD an hour; adds inferences per dollar.")
    ] = None,
    out: ChartFolder = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show how far a CPU is from a GPU: as it came, compiled, quantised and searched."""
    from paretune.report import charts
    from paretune.report.hardware import gap_overview, gap_table
    from paretune.report.hardware.gap import gaps
    from paretune.report.hardware.regimes import REGIMES
    from paretune.store import records

    output = Output(json=json, quiet=quiet)
    found = gaps(records.read_all(files), model=model, prices=_prices(price or []))
    if len(found.models) == 1:
        one = found.models[0]
        output.lines(gap_table.summary(one))
        tables = [gap_table.table(one, regime) for regime in one.bars]
        chart = charts.gap_chart(one, charts.WIDE)
    else:
        output.lines(gap_overview.summary(found))
        tables = [gap_overview.table(found, r) for r in REGIMES if found.nearest(r)]
        chart = charts.gaps_chart(found, charts.WIDE)
    for table in tables:
        output.results.print(table)
    output.write_chart(chart, out, "gap")
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
