"""Opening a program in a process of its own, pinned to stated cores."""

from __future__ import annotations

import numpy as np

from paretune.core import InputError
from paretune.data import ArrayFolder
from paretune.engine import Actor, Engine, machine
from paretune.runtimes.base import Program, Settings

FACTORY = "paretune.measure._host:SessionHost"
WARM_UP_SECONDS = 0.15


def open_host(engine: Engine, program: Program, settings: Settings, arrays: ArrayFolder) -> Actor:
    """Load `program` in a new process pinned to as many physical cores as it has threads.

    Args:
        engine: where the process is started.
        program: what is loaded.
        settings: how it is run.
        arrays: its first samples are the inputs of every timed call; too few are repeated.

    Returns:
        An actor of `SessionHost`, warmed up.

    Raises:
        InputError: more threads than cores.
        UnsupportedError, WorkerError: the runtime cannot load it.
    """
    feeds = arrays.feeds(0, min(settings.batch, arrays.n))
    rows = np.arange(settings.batch) % arrays.n
    feeds = {name: np.ascontiguousarray(array[rows]) for name, array in feeds.items()}
    actor = engine.actor(FACTORY, program, settings, pinned_cores(settings.threads), feeds)
    try:
        actor.call("warm_up", WARM_UP_SECONDS)
    except BaseException:
        actor.close()
        raise
    return actor


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
