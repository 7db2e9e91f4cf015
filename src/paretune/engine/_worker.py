"""The process at the other end of a `LocalActor`: hosts one object and answers calls on it.

Requests are plain pickles over a private socket from the process that started this one
(`Connection.send` would use PyTorch's shared-memory reductions, which need a file server).
Started as `python -m paretune.engine._worker CALLS_FD LIFE_FD`. It deliberately does not re-import
the caller's `__main__` (as `multiprocessing` does), so that a user's unguarded script is safe.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from paretune.core import ParetuneError


def _die_with_parent(life_fd: int) -> None:
    """Block until the parent's end closes, for whatever reason, then end this process."""
    os.read(life_fd, 1)
    os._exit(1)


def _resolve(factory: str) -> Any:
    """`package.module:name` -> the object."""
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(connection: Connection, host: dict[str, Any]) -> None:
    """Receive one request, carry it out, send the outcome back."""
    request = connection.recv_bytes()
    try:
        method, args, kwargs = pickle.loads(request)
        if method == "__init__":
            sys.path[:] = args[0]
            host["object"] = _resolve(args[1])(*args[2:], **kwargs)
            outcome: tuple[str, Any] = ("ok", None)
        else:
            outcome = ("ok", getattr(host["object"], method)(*args, **kwargs))
    except ParetuneError as error:
        outcome = ("paretune", error)
    except MemoryError:
        outcome = ("error", "out of memory")
    except Exception as error:  # whatever user code or a runtime raises is reported, never lost
        text = str(error).strip().splitlines()
        outcome = ("error", f"{type(error).__name__}: {text[0] if text else 'no message'}")
        traceback.print_exc()
    connection.send_bytes(pickle.dumps(outcome, protocol=5))


def main() -> None:
    """Serve calls until the parent closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    calls_fd, life_fd = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=_die_with_parent, args=(life_fd,), daemon=True).start()
    connection = Connection(calls_fd)
    host: dict[str, Any] = {}
    code = 1
    try:
        while True:
            _answer(connection, host)
    except EOFError:
        code = 0  # the parent is done with us
    except BaseException:
        traceback.print_exc()
    # Runtimes' thread pools may hang or crash at interpreter exit; nothing is left to save.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
