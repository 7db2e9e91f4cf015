"""Whether a module can be sent to another process, and the form it is sent in where it cannot."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from types import FunctionType
from typing import Any

from paretune.core import InputError, Model, UnsupportedError
from paretune.sources import forms


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        """Take note of the length alone."""
        return len(data)


class _Probe(pickle.Pickler):
    """Refuses what another process cannot import: that which the running script defines itself."""

    def reducer_override(self, thing: Any) -> Any:
        """Look at classes and functions; leave the rest as it is."""
        if isinstance(thing, type | FunctionType) and thing.__module__ == "__main__":
            raise pickle.PicklingError(f"{thing.__qualname__} is defined in the script that runs")
        return NotImplemented


def obstacle(module: Any) -> str:
    """Why a module cannot be sent to another process, empty where it can."""
    try:
        _Probe(_Nowhere(), protocol=5).dump(module)
    except (pickle.PicklingError, AttributeError, TypeError, RuntimeError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""


class Export:
    """A module's exported program, in a temporary folder that lives as long as this object.

    Args:
        model: a model whose module cannot be sent.
        why: its obstacle.

    Raises:
        InputError: it cannot be exported either.
    """

    def __init__(self, model: Model, why: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="paretune-export-")
        try:
            self.file = forms.exported(model, Path(self._folder.name))
        except UnsupportedError as error:
            raise InputError(
                f"the module of {model.name} cannot be sent to another process ({why}) nor "
                f"exported ({error}): define its class in a file that can be imported"
            ) from error
