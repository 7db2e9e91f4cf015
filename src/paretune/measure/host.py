"""Opening a program in a process of its own, pinned to stated cores."""

from __future__ import annotations

from paretune.core import InputError
from paretune.engine import Actor, Engine, machine
from paretune.runtimes.base import Feeds, Program, Settings

FACTORY = "paretune.measure._host:SessionHost"


def open_host(
    engine: Engine, program: Program, settings: Settings, feeds: Feeds
) -> Actor:
    """Load `program` in a new process pinned to as many physical cores as it has threads.

    Args:
        engine: where the process is started.
        program: what is loaded.
        settings: how it is run; `batch` must equal the feeds' batch.
        feeds: inputs of every timed call, batch on axis 0.

    Returns:
        An actor of `SessionHost`.

    Raises:
        InputError: more threads than cores.
        UnsupportedError, WorkerError: the runtime cannot load it.
    """
    return engine.actor(FACTORY, program, settings, pinned_cores(settings.threads), feeds)


def pinned_cores(threads: int) -> list[int]:
    """The logical CPUs that `threads` threads are pinned to: one per physical core, in order.

    Raises:
        InputError: there are fewer cores than that.
    """
    cores = machine.physical_core_ids()
    if threads > len(cores):
        raise InputError(
            f"{threads} threads were asked for but this process may use {len(cores)} cores: "
            f"give --threads {len(cores)} or fewer"
        )
    return cores[:threads]
