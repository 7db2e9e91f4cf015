"""The folder of one run: claimed by one request and one process at a time, written atomically."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from paretune.core import InputError, Noun
from paretune.report.hardware.against import FOLDER
from paretune.store import paths

OWNER = "run.json"
LOCK = ".lock"
#: What the processes of a run have spent so far.
SPENT = "spent.json"
#: What a run may turn out to have been begun with.
CHANGED = {
    "model": "other weights of the model",
    "data": "other data",
    "machine": "another machine, or other versions of packages",
}


class RunDir:
    """Where a run puts what it finds.

    Use `claim` to get one; `close` gives up the lock.
    """

    def __init__(self, path: Path, lock: IO[bytes], *, begun: bool) -> None:
        self.path = path
        self._lock = lock
        self._begun = begun  # by this process, not by one that it goes on from

    @classmethod
    def claim(cls, path: Path, request_digest: str, *, resume: bool) -> RunDir:
        """Take `path` for this request.

        Args:
            path: made when it is missing.
            request_digest: identity of the request.
            resume: allow a folder that holds this same request's run.

        Raises:
            InputError: not writable, holds something else or another run, or another process
                is working in it.
        """
        owner = path / OWNER
        if path.exists() and not path.is_dir():
            raise InputError(f"the output {path} is a file: give --out a folder")
        known: str | None = None
        if owner.exists():
            known = _owner(owner)
            if not resume:
                raise InputError(
                    f"the output folder {path} holds another run: "
                    "give --resume to go on with it or another --out"
                )
            if known != request_digest:
                raise InputError(
                    f"the run in {path} was asked for something else: "
                    "repeat its own request with --resume or give another --out"
                )
        elif path.is_dir() and any(not _is_ours(entry.name) for entry in path.iterdir()):
            raise InputError(f"the output folder {path} is not empty: give another --out")
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = (path / LOCK).open("wb")
        except OSError as error:
            raise InputError(
                f"the output folder {path} cannot be written ({error.strerror}): give another --out"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise InputError(
                f"another process is working in {path}: wait for it or give another --out"
            ) from error
        except OSError:
            pass  # a file system without locks: nobody can tell who else works there
        if known is None:
            paths.write_text_atomic(owner, json.dumps({"request": request_digest}) + "\n")
        return cls(path, lock, begun=known is None)

    def confirm(self, facts: Mapping[str, str]) -> None:
        """Remember what the run is about, or make sure that it still is.

        Args:
            facts: digests by what they are of, as in `CHANGED`.

        Raises:
            InputError: one of them has changed since the run began.
        """
        owner = self.path / OWNER
        known = json.loads(owner.read_text())
        for name, digest in facts.items():
            if known.setdefault(name, digest) != digest:
                raise InputError(
                    f"the run in {self.path} was begun with {CHANGED[name]}: give another --out"
                )
        paths.write_text_atomic(owner, json.dumps(known) + "\n")

    @contextmanager
    def cleared_when_refused(self) -> Iterator[None]:
        """Leave nothing behind when the request turns out to be bad before anything was found.

        What an earlier process began stays: it may go on as it was asked for.
        """
        try:
            yield
        except InputError:
            left = {entry.name for entry in self.path.iterdir()}
            if self._begun and left <= {OWNER, LOCK, FOLDER, SPENT}:
                # A mounted folder stays itself, and a network's keeps what is still open.
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    def append(self, name: str, record: Noun) -> None:
        """Add one JSON line to a journal; a torn last line of an earlier kill is cut off first."""
        self.append_json(name, record.model_dump(mode="json", by_alias=True, exclude_none=True))

    def append_json(self, name: str, record: dict[str, Any]) -> None:
        """Add one JSON line, in one write that reaches the disk."""
        file = self.path / name
        with file.open("a+b") as journal:
            if journal.tell() > 0:
                journal.seek(-1, os.SEEK_END)
                if journal.read(1) != b"\n":
                    whole = file.read_bytes()
                    journal.truncate(whole.rfind(b"\n") + 1)
            journal.write((json.dumps(record) + "\n").encode())
            journal.flush()
            os.fsync(journal.fileno())

    def close(self) -> None:
        """Let others work in the folder."""
        self._lock.close()

    def __enter__(self) -> RunDir:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_ours(name: str) -> bool:
    """Whether a file may be what a run killed at its very beginning left: the lock, a draft."""
    return name == LOCK or name.startswith(f".{OWNER}")


def _owner(file: Path) -> str:
    """The digest of the request a folder belongs to."""
    try:
        return str(json.loads(file.read_text())["request"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is not a run's file: give another --out") from error
