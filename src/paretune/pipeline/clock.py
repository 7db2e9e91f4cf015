"""Where the time of a run went."""

from __future__ import annotations

import resource
import time

from paretune.core import Ledger, Progress


class Clock:
    """Wall seconds by stage and CPU seconds of this process and its finished workers.

    Args:
        progress: told of each stage as it begins.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = self._stage_began = time.monotonic()
        self._cpu_began = _cpu_seconds()
        self._name = ""
        self._stages: dict[str, float] = {}

    def stage(self, name: str, steps: int = 0) -> None:
        """End the current stage and begin another of about `steps` steps."""
        self._end_stage()
        self._name = name
        self._progress.stage(name, steps)

    def ledger(self) -> Ledger:
        """End the current stage and sum up."""
        self._end_stage()
        self._name = ""
        return Ledger(
            wall_s=round(time.monotonic() - self._began, 3),
            cpu_s=round(_cpu_seconds() - self._cpu_began, 3),
            stages_s=dict(self._stages),
        )

    def _end_stage(self) -> None:
        now = time.monotonic()
        if self._name:
            spent = self._stages.get(self._name, 0.0) + now - self._stage_began
            self._stages[self._name] = round(spent, 3)
        self._stage_began = now


def _cpu_seconds() -> float:
    """User and system seconds so far; a worker counts from its end on."""
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)
