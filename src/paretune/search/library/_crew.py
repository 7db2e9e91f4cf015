"""Many tasks, several worker processes: each takes the next task as soon as it is free.

All it asks of an engine is `Engine.actor`, so that processes elsewhere do as well as those here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from paretune.core import InputError, ParetuneError, WorkerError
from paretune.engine import Actor, Engine

#: Carries out one task on an actor and returns its result.
Call = Callable[[Actor], Any]


@dataclass(frozen=True)
class Done:
    """One finished task.

    Attributes:
        place: its place among the tasks.
        result: what it returned, None where it failed.
        reason: why it failed, empty otherwise.
        died: whether its process did, see `WorkerError`, or could not be started.
    """

    place: int
    result: Any
    reason: str = ""
    died: bool = False


class Crew:
    """Worker processes that live as long as this object.

    Args:
        engine: starts them.
        factory: `package.module:name` of what lives in each.
        args: its arguments.
        size: how many processes.
        attempts: how often a task is begun whose process dies or cannot be started.
    """

    def __init__(
        self, engine: Engine, factory: str, args: tuple[Any, ...], *, size: int, attempts: int
    ) -> None:
        self._engine, self._factory, self._args = engine, factory, args
        self._size, self._attempts = size, attempts
        self._actors: list[Actor | None] = [None] * size
        self._closed = False

    def run(self, calls: Sequence[Call]) -> Generator[Done, None, None]:
        """Carry out tasks in this order; results come as they are ready.

        A task whose process dies, be it as it starts, is begun again in a fresh one. A task that
        fails for a reason of its own is given up; the others go on.

        Raises:
            InputError: from a task, or from what a process hosts; the rest is given up.
        """
        ahead: queue.SimpleQueue[int] = queue.SimpleQueue()
        for place in range(len(calls)):
            ahead.put(place)
        found: queue.SimpleQueue[Done | BaseException] = queue.SimpleQueue()
        stop = threading.Event()

        def work(seat: int) -> None:
            try:
                while not stop.is_set():
                    try:
                        place = ahead.get_nowait()
                    except queue.Empty:
                        return
                    found.put(self._carry_out(seat, place, calls[place]))
            except BaseException as error:  # handed to the caller, who raises it
                found.put(error)

        threads = [
            threading.Thread(target=work, args=(seat,), daemon=True)
            for seat in range(min(self._size, len(calls)))
        ]
        for thread in threads:
            thread.start()
        finished = False
        try:
            for _ in range(len(calls)):
                done = found.get()
                if isinstance(done, BaseException):
                    raise done
                yield done
            finished = True
        finally:
            stop.set()
            if not finished:
                self.close()  # ends what is under way, whose results nobody waits for
            for thread in threads:
                thread.join()

    def _carry_out(self, seat: int, place: int, call: Call) -> Done:
        reason, died = "", False
        for _ in range(self._attempts):
            actor = self._actors[seat]
            if actor is None and self._closed:
                break
            try:
                if actor is None:
                    actor = self._engine.actor(self._factory, *self._args)
                    self._actors[seat] = actor
                    if self._closed:  # while it started, so that nobody has ended it
                        self._actors[seat] = None
                        actor.close()
                        break
                return Done(place, call(actor))
            except InputError:
                raise
            except WorkerError as error:
                # What kept a process from starting, even one that lived to say so, was no task.
                reason, died = str(error), error.died or actor is None
                self._actors[seat] = None  # whether it died or not, the next one starts afresh
                if actor is not None:
                    actor.close()
            except ParetuneError as error:
                return Done(place, None, str(error))
        return Done(place, None, reason, died)

    def close(self) -> None:
        """End all processes. Idempotent."""
        self._closed = True
        for seat, actor in enumerate(self._actors):
            if actor is not None:
                actor.close()
                self._actors[seat] = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
