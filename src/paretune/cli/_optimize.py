"""`paretune optimize`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paretune.cli._options import (
    Against,
    Device,
    InputShape,
    Json,
    Precisions,
    Preprocess,
    Quiet,
    Runtimes,
    Seed,
    counts,
    shape,
    words,
)
from paretune.cli._output import EXIT_CONSTRAINT, Output
from paretune.core import Result

if TYPE_CHECKING:
    from paretune.pipeline import Plan, SearchPlan

NAME = "optimize"


def run(
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    data: Annotated[str, typer.Option("--data", metavar="DATA", help="What to be accurate on.")],
    effort: Annotated[str, typer.Option(help="compile, quantize or search.")] = "quantize",
    constraint: Annotated[
        list[str] | None,
        typer.Option(help='Such as "latency_p95 <= 5 ms"; may be given several times.'),
    ] = None,
    objective: Annotated[
        str, typer.Option(help="latency, throughput, size, memory or cost.")
    ] = "latency",
    budget: Annotated[str, typer.Option(help="Time for everything, such as 90s or 30m.")] = "30m",
    out: Annotated[Path, typer.Option(help="Folder for the result.")] = Path("paretune-run"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    seed: Seed = 0,
    threads: Annotated[
        str,
        typer.Option(
            "--threads",
            help="Comma-separated thread counts; all cores, half and one by default. Objectives "
            "throughput and cost use the largest.",
        ),
    ] = "",
    batch: Annotated[int, typer.Option(help="Samples per call.")] = 1,
    runtimes: Runtimes = "",
    precisions: Precisions = "",
    device: Device = "cpu",
    metric: Annotated[
        str | None,
        typer.Option(help="top1, agreement, fidelity or package.module:function(outputs, labels)."),
    ] = None,
    price_per_hour: Annotated[
        float | None, typer.Option(help="USD an hour of the machine, for the objective cost.")
    ] = None,
    against: Against = None,
    preprocess: Preprocess = None,
    input_shape: InputShape = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Find the best variant of MODEL that meets the constraints, and hand it back."""
    from paretune import pipeline

    output = Output(json=json, quiet=quiet)
    asked: dict[str, Any] = {
        "effort": effort,
        "constraints": tuple(constraint or ()),
        "objective": objective,
        "seed": seed,
        "threads": counts(threads, "--threads"),
        "batch": batch,
        "runtimes": words(runtimes),
        "precisions": words(precisions),
        "device": device,
        "metric": metric,
        "price_per_hour": price_per_hour,
    }
    inputs: dict[str, Any] = {"preprocessing": preprocess, "input_shape": shape(input_shape)}
    if dry_run:
        request = pipeline.Request(
            model=model, data=data, budget_s=pipeline.seconds(budget), **asked
        )
        plan = pipeline.dry_run(model, data, request, **inputs)
        found = None
        if effort == "search":
            with output.progress() as progress:
                found = pipeline.preview(model, data, request, progress=progress, **inputs)
        _show_plan(plan, found, output)
        return
    with output.progress() as progress:
        result = pipeline.optimize(
            model,
            data,
            out=out,
            budget=budget,
            resume=resume,
            against=against or (),
            progress=progress,
            **asked,
            **inputs,
        )
    show(result, out, output)


def _show_plan(plan: Plan, found: SearchPlan | None, output: Output) -> None:
    """Print what would be tried, and what a search could reach."""
    console = output.results
    for name, value in plan.model_dump(exclude={"search"}).items():
        console.print(f"{name}: {_joined(value)}", markup=False, highlight=False)
    if found is not None:
        plan = plan.model_copy(update={"search": found})
        for block in found.blocks:
            console.print(f"block: {block}", markup=False, highlight=False)
        lines = [
            f"architectures: {found.architectures:.1e}",
            f"reachable latency, int8, timed: {found.fastest_ms:.3g} ms (fastest), "
            f"{found.middle_ms:.3g} (middle), {found.slowest_ms:.3g} (slowest); the baseline's "
            f"is {found.baseline_ms:.3g} ms; mean error of predictions {found.error:.1%}",
            *(f"constraint {text}" for text in found.constraints),
        ]
        for line in lines:
            console.print(line, markup=False, highlight=False)
    output.write_json(plan)


def _joined(value: object) -> str:
    """A plan's value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def show(result: Result, out: Path, output: Output) -> None:
    """Print the answer, the table and where the report is; exit 3 when a constraint is missed."""
    from paretune.report import tables

    console = output.results
    for line in tables.summary(result):
        console.print(line, markup=False, highlight=False)
    console.print(tables.variants(result))
    console.print(f"report: {out / 'report.html'}", markup=False, highlight=False, soft_wrap=True)
    output.write_json(result)
    if not all(constraint.satisfied for constraint in result.constraints):
        raise typer.Exit(EXIT_CONSTRAINT)
