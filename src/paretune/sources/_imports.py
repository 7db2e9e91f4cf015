"""Optional packages, with one clear message where one is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from paretune.core import MissingPackageError


def need(module: str, *, to: str, install: str) -> ModuleType:
    """Import `module`, wanted `to` do something.

    Raises:
        MissingPackageError: it is not installed; says `pip install <install>`.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise MissingPackageError(
            f"{to} needs the package {top}, which is not installed: pip install '{install}'"
        ) from None


def first_line(error: BaseException) -> str:
    """The first non-empty line of an error's text, or its type's name, at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__
