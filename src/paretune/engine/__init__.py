"""Where work runs: this machine's processes, behind one interface that other engines can take."""

from paretune.engine._local import LocalActor, LocalEngine
from paretune.engine.base import Actor, Engine

__all__ = ["Actor", "Engine", "LocalActor", "LocalEngine"]
