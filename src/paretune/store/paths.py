"""Where Paretune keeps files, and writing them so that nobody ever sees half of one.

Everything is written beside its place under a name of its own, then renamed onto it: a rename
within one folder is atomic on POSIX systems. A killed process leaves only such a nameless
sibling, which the next writer of the same file or folder sweeps away.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paretune.core import InputError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def home() -> Path:
    """The folder of everything that is kept between runs, made if absent.

    `PARETUNE_HOME` names it, `~/.cache/paretune` by default.

    Raises:
        InputError: it cannot be made.
    """
    return _made(Path(os.environ.get("PARETUNE_HOME") or "~/.cache/paretune").expanduser())


def programs() -> Path:
    """The folder of compiled and quantised programs, made if absent."""
    return _made(home() / "programs")


def arrays() -> Path:
    """The folder of cached arrays, such as model outputs, made if absent."""
    return _made(home() / "arrays")


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` as UTF-8; see `write_bytes_atomic`."""
    write_bytes_atomic(path, text.encode())


def write_bytes_atomic(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole: readers see the old content or the new, never a part.

    Raises:
        InputError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    draft = _sibling(path)
    with _told(path):
        _sweep(path)
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def folder_atomic(path: Path, *, exist_ok: bool = False, replace: bool = False) -> Iterator[Path]:
    """An empty folder beside `path` to write into, renamed to `path` when the block succeeds.

    When the block fails the folder is removed. Folders above `path` are made.

    Args:
        path: the folder to make; an empty one may exist.
        exist_ok: another process may have made it meanwhile: its content is kept as equally good
            and this one's is dropped. Otherwise that is an error.
        replace: what is there gives way once the new content is whole. This takes two renames: a
            kill between them leaves nothing at `path` rather than half of something.

    Raises:
        InputError: `path` holds something already, or nothing can be written there.
    """
    if not (exist_ok or replace) and _holds_something(path):
        raise _taken(path)
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        draft = _sibling(path)
        draft.mkdir()
    try:
        with _told(path):
            yield draft
            try:
                draft.replace(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
                if replace:
                    old = _sibling(path)
                    path.rename(old)
                    draft.rename(path)
                    shutil.rmtree(old, ignore_errors=True)
                elif not exist_ok:
                    raise _taken(path) from error
    finally:
        # After a successful rename there is nothing here any more.
        shutil.rmtree(draft, ignore_errors=True)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made ({error.strerror}): set PARETUNE_HOME to a folder that "
            "can be written"
        ) from error
    return folder


def _holds_something(path: Path) -> bool:
    """Whether `path` is a file or a folder that is not empty."""
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def _taken(path: Path) -> InputError:
    return InputError(f"{path} exists already: remove it or choose another name")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn the system's refusals to write into one sentence with the mend."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise InputError(
                f"no room is left on the disk for {path}: free some or choose another disk"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise InputError(
                f"{path} cannot be written ({error.strerror}): choose a place that can be"
            ) from error
        raise


def _sibling(path: Path) -> Path:
    """A fresh name beside `path` that tells which process of which machine owns it."""
    return path.with_name(f"{_draft_prefix(path)}{os.getpid()}.{secrets.token_hex(4)}.tmp")


def _draft_prefix(path: Path) -> str:
    return f".{path.name}.{platform.node()}."


def _sweep(path: Path) -> None:
    """Remove drafts of `path` whose process on this machine is gone."""
    prefix = _draft_prefix(path)
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.[0-9a-f]+\.tmp")
    for draft in path.parent.glob(".*.tmp"):
        match = pattern.fullmatch(draft.name)
        if match and not _alive(int(match[1])):
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                with suppress(OSError):  # another user's: it is theirs to remove
                    draft.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, under another user
    return True
