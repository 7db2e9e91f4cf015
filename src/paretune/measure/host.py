"""Opening a program in a process of its own, pinned to stated cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    return open_with(engine, program, settings, feeds_of(arrays, settings.batch))


def open_with(
    engine: Engine, program: Program, settings: Settings, feeds: Mapping[str, NDArray[Any]]
) -> Actor:
    """As `open_host`, with the inputs of every timed call at hand."""
    actor = engine.actor(FACTORY, program, settings, pinned_cores(settings.threads), feeds)
    try:
        actor.call("warm_up", WARM_UP_SECONDS)
    except BaseException:
        actor.close()
        raise
    return actor


def feeds_of(arrays: ArrayFolder, batch: int) -> dict[str, NDArray[Any]]:
    """The first `batch` samples as feeds in memory; too few are repeated."""
    feeds = arrays.feeds(0, min(batch, arrays.n))
    rows = np.arange(batch) % arrays.n
    return {name: np.ascontiguousarray(array[rows]) for name, array in feeds.items()}


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
