"""Where the time of a run went."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import ValidationError

from paretune.core import InputError, Ledger, Progress
from paretune.engine.machine import process_tree_seconds
from paretune.store import write_text_atomic

#: Seconds after which what was spent is written down again, the next time that progress is told.
KEPT_EVERY = 10.0


class Clock:
    """Wall seconds by stage and CPU seconds of this process and its finished workers.

    Args:
        progress: told of each stage as it begins.

    Attributes:
        progress: passes on what it is told, and notices meanwhile that time goes by.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress: Progress = _Heard(progress, self)
        self._told = progress
        self._began = self._stage_began = self._kept = time.monotonic()
        self._cpu_began = process_tree_seconds()
        self._name = ""
        self._stages: dict[str, float] = {}
        self._file: Path | None = None
        self._before = Ledger(wall_s=0.0, cpu_s=0.0)

    def keep(self, file: Path) -> None:
        """Write down what is spent as it is, to go on from after a kill.

        Args:
            file: what an earlier process of the same run wrote there counts.

        Raises:
            InputError: it cannot be read.
        """
        if file.is_file():
            try:
                self._before = Ledger.model_validate_json(file.read_bytes())
            except ValidationError:
                raise InputError(
                    f"{file} is not what a run has spent: remove it to count from zero"
                ) from None
        self._file = file

    def stage(self, name: str, steps: int = 0) -> None:
        """End the current stage and begin another of about `steps` steps."""
        self._end_stage()
        self._name = name
        self._write()
        self._told.stage(name, steps)

    def ledger(self) -> Ledger:
        """End the current stage and sum up, what earlier processes of the run spent included."""
        self._end_stage()
        self._name = ""
        return self._write()

    def tick(self) -> None:
        """Write down what was spent, if that was not done lately."""
        if time.monotonic() - self._kept > KEPT_EVERY:
            self._end_stage()
            self._write()

    def _write(self) -> Ledger:
        """All that was spent, which is written down where there is a place for it."""
        before = self._before
        every = dict.fromkeys([*before.stages_s, *self._stages])
        known = [before.stages_s, self._stages]
        spent = Ledger(
            wall_s=round(before.wall_s + time.monotonic() - self._began, 3),
            cpu_s=round(before.cpu_s + process_tree_seconds() - self._cpu_began, 3),
            stages_s={name: round(sum(s.get(name, 0.0) for s in known), 3) for name in every},
        )
        if self._file is not None:
            write_text_atomic(self._file, spent.model_dump_json())
        self._kept = time.monotonic()
        return spent

    def _end_stage(self) -> None:
        now = time.monotonic()
        if self._name:
            spent = self._stages.get(self._name, 0.0) + now - self._stage_began
            self._stages[self._name] = round(spent, 3)
        self._stage_began = now


class _Heard:
    """A progress that lets a clock notice."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress, self._clock = progress, clock

    def stage(self, name: str, total: int) -> None:
        self._clock.tick()
        self._progress.stage(name, total)

    def step(self, text: str) -> None:
        self._clock.tick()
        self._progress.step(text)

    def note(self, text: str) -> None:
        self._clock.tick()
        self._progress.note(text)
