"""How long-running work tells its caller where it is.

The library never prints: it calls a `Progress`; the command line draws it, tests record it.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run as they happen."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins that consists of `total` steps."""

    def step(self, text: str) -> None:
        """One step of the current stage begins (the previous one is done)."""

    def note(self, text: str) -> None:
        """Something the user must know: a fallback taken, a sample skipped, a noisy machine."""


class Silent:
    """A progress that nobody watches."""

    def stage(self, name: str, total: int) -> None:
        """Ignore."""

    def step(self, text: str) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
