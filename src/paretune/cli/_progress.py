"""Live progress on standard error: stage, step, elapsed and remaining."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)


class LiveProgress:
    """Draws a bar per stage; on a terminal it moves, elsewhere each stage prints a line.

    Use as a context manager around the call it watches.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("[bold]{task.fields[stage]:<22}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:>3.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._began = time.monotonic()
        self._steps = 0

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of about `total` steps."""
        self._finish()
        self._steps = 0
        self._task = self._bars.add_task("", total=max(total, 1), stage=name)
        if not self._console.is_terminal:
            spent = time.monotonic() - self._began
            self._console.print(f"[{spent:6.1f} s] {name}", markup=False, highlight=False)

    def step(self, text: str) -> None:
        """Show the step that begins; the ones before it are done."""
        if self._task is None:
            return
        total = self._bars.tasks[self._task].total or 1
        # The number of steps is an estimate: the bar grows rather than overflow.
        done = self._steps
        self._bars.update(self._task, completed=done, total=max(total, done + 1), description=text)
        self._steps += 1

    def note(self, text: str) -> None:
        """Print what the user must know."""
        self._console.print(f"note: {text}", style="yellow", markup=False, highlight=False)

    def _finish(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total
            self._bars.update(self._task, completed=total, description="")

    def __enter__(self) -> LiveProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()
