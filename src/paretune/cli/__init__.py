"""The command line: a thin face of the Python API."""

from paretune.cli._main import main

__all__ = ["main"]
