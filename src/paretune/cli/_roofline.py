"""`paretune roofline`."""

from __future__ import annotations

from typing import Annotated

import typer

from paretune.cli._options import ChartFolder, InputShape, Json, Preprocess, Quiet, Seed, shape
from paretune.cli._output import Output
from paretune.core import PRECISIONS, InputError

NAME = "roofline"


def run(
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    precision: Annotated[str, typer.Option(help="f32, bf16 or int8, in OpenVINO.")] = "int8",
    data: Annotated[
        str | None, typer.Option("--data", metavar="DATA", help="Calibrates int8.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="All usable cores by default.")] = None,
    seed: Seed = 0,
    preprocess: Preprocess = None,
    input_shape: InputShape = None,
    out: ChartFolder = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show how near every layer is to what this machine can do, and why it is not nearer."""
    from paretune.pipeline.roofline import roofline
    from paretune.report import charts
    from paretune.report.hardware import roofline_table
    from paretune.sources import load_model

    output = Output(json=json, quiet=quiet)
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown: give one of {', '.join(PRECISIONS)}")
    with output.progress() as progress:
        brought = load_model(model, preprocessing=preprocess, input_shape=shape(input_shape))
        found = roofline(
            brought,
            precision=precision,
            data=data,
            threads=threads,
            seed=seed,
            progress=progress,
        )
    output.lines(roofline_table.summary(found))
    output.results.print(roofline_table.table(found))
    output.write_chart(charts.roofline_chart(found, charts.WIDE), out, "roofline")
    output.write_json(found)
