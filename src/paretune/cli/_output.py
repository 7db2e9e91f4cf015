"""Where words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from paretune.core import InputError, Noun, Progress, Silent

if TYPE_CHECKING:
    from paretune.report.charts import Chart

EXIT_BAD_INPUT = 2
EXIT_CONSTRAINT = 3
EXIT_INTERRUPTED = 130

#: Tables are laid out for this many columns, however wide the terminal.
WIDTH = 100


def check_file(file: Path, option: str) -> None:
    """Refuse a file that cannot be written where it is asked for.

    Raises:
        InputError: it is a folder, or there is none to hold it, or it may not be written.
    """
    if file.is_dir():
        raise InputError(f"{option} {file} is a folder: give the name of a file")
    if not file.absolute().parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}: make it first")
    if not os.access(file.absolute().parent, os.W_OK):  # it is written beside, and renamed
        raise InputError(f"{option} {file}: {file.parent} may not be written: give another place")


@dataclass(frozen=True)
class Output:
    """How one command speaks.

    Attributes:
        json: file that gets the result as JSON, `-` for standard output, None for none.
        quiet: no progress and no table.
    """

    json: str | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        """Refuse at once what could not be written in the end."""
        if self.json not in (None, "-"):
            check_file(Path(str(self.json)), "--json")

    @property
    def messages(self) -> Console:
        """Standard error; NO_COLOR is honoured by Rich."""
        return Console(stderr=True, quiet=self.quiet, width=None if sys.stderr.isatty() else WIDTH)

    @property
    def results(self) -> Console:
        """Standard output, silent when JSON goes there."""
        return Console(
            quiet=self.quiet or self.json == "-", width=None if sys.stdout.isatty() else WIDTH
        )

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress on standard error, or silence."""
        if self.quiet:
            yield Silent()
            return
        from paretune.cli._progress import LiveProgress

        with LiveProgress(self.messages) as live:
            yield live

    def lines(self, lines: Iterable[str]) -> None:
        """Print sentences as they are."""
        for line in lines:
            self.results.print(line, markup=False, highlight=False)

    def write_chart(self, chart: Chart | None, place: Path | None, name: str) -> None:
        """Write a chart as PNG, SVG and HTML where a folder was asked for, and name the files."""
        from paretune.report import charts, folder

        if chart is None or place is None:
            return
        for file in charts.save(chart, folder.made(place), name):
            self.results.print(str(file), markup=False, highlight=False, soft_wrap=True)

    def write_json(self, record: Noun) -> None:
        """Put the record where `--json` says."""
        if self.json is None:
            return
        text = record.model_dump_json(by_alias=True, indent=2) + "\n"
        if self.json == "-":
            typer.echo(text, nl=False)
            return
        from paretune.store import paths

        paths.write_text_atomic(Path(self.json), text)
