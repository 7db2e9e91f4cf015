"""Keeping processes within a cap on the instruction set."""

from __future__ import annotations

from paretune import runtimes
from paretune.core import UnsupportedError
from paretune.engine import Engine, machine


def capped(engine: Engine, cap: str | None) -> Engine:
    """An engine whose processes keep within the cap, as far as the runtimes in them can."""
    if cap is None:
        return engine
    environment = {machine.ISA_CAP: cap}
    for name in runtimes.names():
        environment |= runtimes.get(name).isa_environment(cap) or {}
    return engine.within(environment)


def check_cap(runtime: str, cap: str | None) -> None:
    """Refuse a runtime that would be timed on all that this CPU has.

    Raises:
        UnsupportedError: nothing keeps it within the cap.
    """
    if cap is not None and runtimes.get(runtime).isa_environment(cap) is None:
        raise UnsupportedError(
            f"{runtime} cannot be kept within {cap}: it would be timed on all that this CPU has"
        )
