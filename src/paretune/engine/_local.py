"""Actors as processes on this machine."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from paretune.core import WorkerError
from paretune.engine.base import Actor, Engine


class LocalActor(Actor):
    """An object in a child process, called over a private socket.

    The child writes what it prints to an unlinked temporary file: it never reaches this process's
    standard output, and its last line explains a death.
    """

    def __init__(
        self,
        factory: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        patience: float,
        environment: Mapping[str, str],
    ) -> None:
        self._patience = patience
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        ours, theirs = socket.socketpair()
        life_read, self._life = os.pipe()
        # -P: what lies in the current folder, a downloaded model's say, is no part of the program.
        command = [sys.executable, "-P", "-m", "paretune.engine._worker"]
        self._process = subprocess.Popen(
            [*command, str(theirs.fileno()), str(life_read)],
            pass_fds=(theirs.fileno(), life_read),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)}
            | dict(environment),
        )
        theirs.close()
        os.close(life_read)
        self._connection: Connection | None = Connection(ours.detach())
        try:
            self.call("__init__", sys.path, factory, *args, **kwargs)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def call(self, method: str, /, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """See `Actor.call`."""
        if self._connection is None:
            raise WorkerError("the worker process has been closed")
        try:
            self._connection.send_bytes(pickle.dumps((method, args, kwargs), protocol=5))
            limit = self._patience if timeout is None else timeout
            if not self._connection.poll(limit):
                self.close(grace=0)
                what = "starting it" if method == "__init__" else method
                why = f"{what} took longer than {limit:.0f} s and was stopped"
                raise WorkerError(why, died=True)
            kind, value = pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise WorkerError(self._epitaph(), died=True) from error
        if kind == "paretune":
            raise value
        if kind == "error":
            raise WorkerError(value)
        return value

    def _epitaph(self) -> str:
        """Why the child died, in one sentence."""
        self.close()
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "the worker process was killed (most often: out of memory)"
        cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        last_words = _last_line(self._log) or "it printed nothing"
        return f"the worker process died ({cause}): {last_words}"

    def close(self, grace: float = 5.0) -> None:
        """End the child, which holds nothing that must be saved; killed after `grace` seconds."""
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        os.close(self._life)
        try:
            self._process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _last_line(log: Any) -> str:
    """The last non-empty line of an open binary file."""
    log.seek(0)
    lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""


class LocalEngine(Engine):
    """Runs every actor as a process on this machine.

    Args:
        patience: seconds after which a call without a limit of its own is given up, so that a
            runtime that hangs becomes a reason and not the end of the run.
        environment: variables of every process beside those of this one.
    """

    def __init__(
        self, *, patience: float = 1200.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._patience = patience
        self._environment = dict(environment or {})

    def actor(self, factory: str, /, *args: Any, **kwargs: Any) -> LocalActor:
        """See `Engine.actor`."""
        return LocalActor(
            factory, args, kwargs, patience=self._patience, environment=self._environment
        )

    def within(self, environment: Mapping[str, str]) -> LocalEngine:
        """See `Engine.within`."""
        both = self._environment | dict(environment)
        return LocalEngine(patience=self._patience, environment=both)
