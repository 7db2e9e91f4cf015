"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paretune.core import InputError

Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no table.")]
ChartFolder = Annotated[
    Path | None, typer.Option("--out", help="Folder for the chart: PNG, SVG and HTML.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of splits, resampling and the calibration subset.")]
Runtimes = Annotated[
    str, typer.Option("--runtimes", help="Comma-separated runtimes to try; all by default.")
]
Precisions = Annotated[
    str,
    typer.Option(
        "--precisions",
        help="Comma-separated: f32, tf32, bf16, f16, int8; all that a runtime has by default.",
    ),
]
Threads = Annotated[
    str,
    typer.Option("--threads", help="Comma-separated thread counts; all usable cores by default."),
]
Device = Annotated[
    str, typer.Option("--device", help="cpu, or cuda for the runtimes that have it.")
]
Against = Annotated[
    list[Path] | None,
    typer.Option(
        "--against",
        metavar="FILE",
        help="JSON of bench, roofline or frontier for the report; may be given several times.",
    ),
]
Preprocess = Annotated[
    str | None,
    typer.Option(
        help="How images are prepared where the model does not say: imagenet, unit or a JSON file."
    ),
]
InputShape = Annotated[
    str | None,
    typer.Option(help="Shape of one sample where the model does not say, such as 3x224x224."),
]


def words(text: str) -> tuple[str, ...]:
    """`a,b` -> ("a", "b")."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def counts(text: str, option: str) -> tuple[int, ...]:
    """`1,2` -> (1, 2).

    Raises:
        InputError: one is no whole number above 0.
    """
    try:
        numbers = tuple(int(word) for word in words(text))
    except ValueError:
        numbers = (0,)
    if any(number < 1 for number in numbers):
        raise InputError(f"{option} {text!r} is no list of whole numbers above 0: write 1,2")
    return numbers


def shape(text: str | None, option: str = "--input-shape") -> tuple[int, ...] | None:
    """`3x224x224` -> (3, 224, 224).

    Raises:
        InputError: it does not read as a shape.
    """
    if text is None:
        return None
    try:
        sizes = tuple(int(size) for size in text.lower().split("x"))
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise InputError(f"{option} {text!r} is no shape: write 3x224x224")
    return sizes
