"""Where reports go."""

from __future__ import annotations

from pathlib import Path

from paretune.core import InputError


def made(folder: Path) -> Path:
    """The folder, made if absent.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made ({error.strerror}): give a folder that can be written"
        ) from error
    return folder
