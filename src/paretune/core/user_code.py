"""The user's own code by name: `package.module:name`, for models, data and metrics.

Whatever that code raises is bad input: told in one sentence, never a traceback of ours.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from paretune.core.errors import InputError, ParetuneError

_FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

#: What to do about code that raises, by what it is to the user.
_MENDS = {
    "factory": "make it run without arguments",
    "metric": "make it take outputs and labels",
}


def is_reference(text: str) -> bool:
    """Whether `text` reads as dotted names around one colon; a file `net.py:build` does not."""
    return _FORM.fullmatch(text) is not None and ".py:" not in text


def find(text: str, *, what: str, returns: str) -> Any:
    """Import the object that `package.module:name` names.

    Args:
        text: the reference; the current folder is searched too, as `python -m` does.
        what: what it is to the user: `factory` or `metric`.
        returns: what its result must be, such as `a torch.nn.Module`.

    Raises:
        InputError: no such module or name, or importing it raises.
    """
    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    module, _, path = text.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise InputError(
                f"{what} {text}: there is no module {error.name} in {here} or among the installed "
                "packages: run from the folder that holds it, or install it"
            ) from None
        raise _raised(what, text, "importing its module", error) from error
    except Exception as error:
        raise _raised(what, text, "importing its module", error) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(
                f"{what} {text}: {module} has no {path}: give the name of a function that "
                f"returns {returns}"
            )
        found = getattr(found, part)
    return found


def call(function: Callable[..., Any], *arguments: Any, what: str, text: str) -> Any:
    """Call the user's function.

    Raises:
        InputError: it cannot be called or raises.
    """
    if not callable(function):
        raise InputError(
            f"{what} {text} is {type(function).__name__} and cannot be called: give a function"
        )
    try:
        return function(*arguments)
    except ParetuneError:
        raise
    except Exception as error:
        raise _raised(what, text, "calling it", error) from error


def _raised(what: str, text: str, doing: str, error: Exception) -> InputError:
    """The user's exception as one sentence."""
    first = (str(error).splitlines() or [""])[0]
    return InputError(
        f"{what} {text}: {doing} raised {type(error).__name__}: {first}; {_MENDS[what]}"
    )
