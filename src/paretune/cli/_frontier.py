"""`paretune frontier`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.cli._options import (
    InputShape,
    Json,
    Precisions,
    Preprocess,
    Quiet,
    Seed,
    Threads,
    counts,
    shape,
    words,
)
from paretune.cli._output import Output

NAME = "frontier"


def run(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Your own models.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Known networks to measure, too: imagenet-cpu.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="DATA", help="Measure accuracy on it.")
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(help="CSV of published accuracies: model, top1 in percent.")
    ] = None,
    add: Annotated[
        list[Path] | None, typer.Option(help="A record or a run of this machine to draw, too.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for records, table and chart.")] = Path(
        "frontier"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on in that folder.")] = False,
    runtimes: Annotated[str, typer.Option(help="Comma-separated runtimes.")] = "openvino",
    precisions: Precisions = "",
    threads: Threads = "",
    seconds: Annotated[float, typer.Option(help="Timing time of each variant.")] = 2.0,
    starts: Annotated[int, typer.Option(help="Fresh starts of every process.")] = 3,
    seed: Seed = 0,
    preprocess: Preprocess = None,
    input_shape: InputShape = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Measure a family of models on this machine and draw accuracy against latency."""
    from paretune.pipeline.frontier import frontier
    from paretune.report import charts
    from paretune.report.hardware import model_table
    from paretune.store import published

    output = Output(json=json, quiet=quiet)
    with output.progress() as progress:
        found = frontier(
            models or (),
            preset_name=preset,
            data=data,
            accuracy=published.read_accuracy(accuracy) if accuracy else None,
            add=add or (),
            out=out,
            resume=resume,
            runtimes=words(runtimes),
            precisions=words(precisions),
            threads=counts(threads, "--threads"),
            seconds=seconds,
            starts=starts,
            seed=seed,
            preprocessing=preprocess,
            input_shape=shape(input_shape),
            progress=progress,
        )
    output.lines(model_table.summary(found))
    output.results.print(model_table.table(found))
    output.write_chart(charts.models_chart(found, charts.WIDE), out, "frontier")
    output.write_json(found)
