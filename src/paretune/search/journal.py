"""What a search has decided, kept beside its checkpoints: a resumed search decides the same.

Much of it depends on the clock: how many networks there was time to measure, how long the finish
may take. Such a thing is decided once and read back afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from paretune.core import InputError
from paretune.store import write_text_atomic

FILE = "journal.json"

T = TypeVar("T")


class Journal:
    """Decisions by name, each written as soon as it is taken.

    Args:
        folder: where they are kept; made if absent.

    Raises:
        InputError: what is there cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / FILE
        self._known: dict[str, Any] = {}
        if self._file.is_file():
            try:
                self._known = dict(json.loads(self._file.read_text(encoding="utf-8")))
            except (ValueError, TypeError) as error:
                raise InputError(
                    f"{self._file} is not a search's journal: remove its folder to search anew"
                ) from error

    def __contains__(self, name: str) -> bool:
        """Whether that was decided."""
        return name in self._known

    def once(self, name: str, decide: Callable[[], T]) -> T:
        """What was decided, or what is decided now: plain values that JSON can hold."""
        if name not in self._known:
            self._known[name] = decide()
            write_text_atomic(self._file, json.dumps(self._known))
        known: T = self._known[name]
        return known
