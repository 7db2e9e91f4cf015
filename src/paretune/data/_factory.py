"""`package.module:factory`: a function of the user's that returns the data."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Any, ClassVar

from paretune.core import InputError, ParetuneError
from paretune.data._memory import from_pair
from paretune.data.base import Dataset, Samples
from paretune.data.registry import Format, Opened, register

_FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@register
class Factory(Format):
    """`package.module:factory`."""

    name: ClassVar[str] = "factory"
    usage: ClassVar[str] = "package.module:factory"

    def match(self, text: str) -> bool:
        """Whether it reads as module, colon, name."""
        return _FORM.fullmatch(text) is not None

    def open(self, text: str) -> Opened | Dataset:
        """What the function returns: a Dataset, Samples, or `(x, y)`."""
        made = _call(text)
        if isinstance(made, tuple):
            return Opened(from_pair(made, text))
        if not isinstance(made, Dataset | Samples):
            raise InputError(
                f"factory {text} returned {type(made).__name__}: it must return a "
                "paretune.data.Dataset, Samples, or arrays (x, y)"
            )
        samples = made.samples if isinstance(made, Dataset) else made
        if not hasattr(samples, "name"):
            samples.name = text
        return made if isinstance(made, Dataset) else Opened(made)


def _call(text: str) -> Any:
    """Import the function and call it."""
    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does, so that a file beside the user is found
    module, _, path = text.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise InputError(
                f"factory {text}: there is no module {error.name} in {here} or among the installed "
                "packages: run from the folder that holds it, or install it"
            ) from None
        raise _raised(text, "importing its module", error) from error
    except Exception as error:
        raise _raised(text, "importing its module", error) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(
                f"factory {text}: {module} has no {path}: give the name of a function that "
                "returns data"
            )
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"factory {text} is {type(found).__name__}: give a function")
    try:
        return found()
    except ParetuneError:
        raise
    except Exception as error:
        raise _raised(text, "calling it", error) from error


def _raised(text: str, doing: str, error: Exception) -> InputError:
    """The user's exception as one sentence."""
    first = (str(error).splitlines() or [""])[0]
    return InputError(
        f"factory {text}: {doing} raised {type(error).__name__}: {first}; make it run without "
        "arguments"
    )
