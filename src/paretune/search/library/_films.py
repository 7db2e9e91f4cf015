"""The folder in which activations are recorded, held by one process at a time."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """A folder for recorded activations, which is removed in the end.

    They take gigabytes and are made again in seconds. A killed process leaves them behind; the
    next call with the same request finds what was recorded and takes it away when it is done.
    Another process with the same request waits here.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for split in ("train", "held"):
            (folder / split).mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)
