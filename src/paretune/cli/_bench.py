"""`paretune bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.cli._options import (
    Device,
    InputShape,
    Json,
    Precisions,
    Preprocess,
    Quiet,
    Runtimes,
    Seed,
    Threads,
    counts,
    shape,
    words,
)
from paretune.cli._output import Output, check_file

NAME = "bench"


def run(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...")],
    runtimes: Runtimes = "",
    precisions: Precisions = "",
    device: Device = "cpu",
    isa: Annotated[
        str | None,
        typer.Option(
            help="Cap the instruction set: avx2, avx2_vnni, avx512, vnni, bf16, fp16 or amx; "
            "emulates older CPUs."
        ),
    ] = None,
    threads: Threads = "",
    streams: Annotated[str, typer.Option(help="Comma-separated requests in flight.")] = "1",
    batch: Annotated[str, typer.Option(help="Comma-separated samples per call.")] = "1",
    saturation: Annotated[
        bool, typer.Option("--saturation", help="Double streams until throughput stops growing.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="DATA", help="Calibrates int8 and scores accuracy."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Part of a variant's id: print ratios against it.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Timing time of each variant.")] = 3.0,
    starts: Annotated[int, typer.Option(help="Fresh starts of every process.")] = 3,
    seed: Seed = 0,
    preprocess: Preprocess = None,
    input_shape: InputShape = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the table as CSV.")] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Time any models x runtimes x precisions x threads x batch sizes against each other."""
    from paretune.pipeline import bench
    from paretune.report import tables
    from paretune.store import paths

    output = Output(json=json, quiet=quiet)
    if csv is not None:
        check_file(csv, "--csv")
    with output.progress() as progress:
        record = bench(
            models,
            runtimes=words(runtimes),
            precisions=words(precisions),
            device=device,
            isa=isa,
            threads=counts(threads, "--threads"),
            streams=counts(streams, "--streams"),
            batches=counts(batch, "--batch"),
            saturation=saturation,
            data=data,
            baseline=baseline,
            seconds=seconds,
            starts=starts,
            seed=seed,
            preprocessing=preprocess,
            input_shape=shape(input_shape),
            progress=progress,
        )
    output.results.print(tables.bench(record))
    output.lines(f"note: {condition.text}" for condition in record.conditions)
    if csv is not None:
        paths.write_text_atomic(csv, tables.bench_csv(record))
    output.write_json(record)
