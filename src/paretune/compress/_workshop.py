"""The process that programs are prepared in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from paretune.core import Model
from paretune.data import ArrayFolder
from paretune.engine import Actor, Engine
from paretune.runtimes._common import FORMS

#: Arguments of `Builder.hold`.
Cargo = tuple[Model, ArrayFolder | None, Path | None]


class Workshop:
    """A process that prepares programs of one model after another, started when first needed.

    What takes long in a fresh process is not the model but importing what converts and quantises
    it: 19 s for a small network on a CPU that needs 9 s for the next one.

    Conversions on the way to a program lie in a temporary folder that is removed from here: the
    process may be killed by what it runs.

    Args:
        engine: where it is started.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._builder: Actor | None = None
        self._held: Cargo | None = None
        self._forms: tempfile.TemporaryDirectory[str] | None = None

    def holding(self, cargo: Cargo) -> Actor:
        """An actor of `Builder` that holds this very cargo."""
        if self._builder is None:
            self._forms = tempfile.TemporaryDirectory(prefix="paretune-forms-")
            # What a quantiser leaves when it is killed lies there, too.
            engine = self._engine.within({FORMS: self._forms.name, "TMPDIR": self._forms.name})
            self._builder = engine.actor("paretune.compress._builder:Builder")
        if self._held is not cargo:
            self._held = None  # should sending it fail, nobody's model is there
            self._builder.call("hold", *cargo)
            self._held = cargo
        return self._builder

    def close(self) -> None:
        """End the process; the next program gets a fresh one. Idempotent."""
        if self._builder is not None:
            self._builder.close()
            self._builder = self._held = None
        if self._forms is not None:
            self._forms.cleanup()
            self._forms = None
