"""A training's progress as steps of a longer stage."""

from __future__ import annotations

from paretune.core import Progress


class Within:
    """Passes a training's steps on, by the name of who is trained; its stage is none of its own.

    Args:
        progress: of the longer stage.
        name: of who is trained.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name

    def stage(self, name: str, total: int) -> None:
        """Ignore."""

    def step(self, text: str) -> None:
        """Pass it on with the name."""
        self._progress.step(f"{self._name}: {text}")

    def note(self, text: str) -> None:
        """Pass it on."""
        self._progress.note(text)
