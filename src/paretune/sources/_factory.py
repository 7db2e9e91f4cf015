"""`package.module:factory`: the user's own code that builds a `torch.nn.Module`."""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Any, ClassVar

from paretune.core import InputError, Model
from paretune.sources._imports import first_line, need
from paretune.sources._module import model_of_module
from paretune.sources._registry import register
from paretune.sources._weights import choose_weights, load_weights, split_weights
from paretune.sources.base import Request, Source

_FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class FactorySource(Source):
    """Imports a module, calls the factory without arguments, loads weights into the result."""

    name: ClassVar[str] = "factory"
    form: ClassVar[str] = "package.module:factory[@weights.safetensors]"
    rank: ClassVar[int] = 1  # `hf:NAME` could be a package of the user's, too

    def match(self, text: str) -> bool:
        """Whether `text` is dotted names around one colon; a file `net.py:build` is none."""
        factory = split_weights(text)[0]
        return _FORM.fullmatch(factory) is not None and ".py:" not in factory

    def load(self, text: str, request: Request) -> Model:
        """Build the module and load its weights."""
        need("torch", to=f"model {text}", install="paretune[torch]")
        factory, weights = choose_weights(text, request.weights)
        module = build(factory)
        if weights is not None:
            load_weights(module, weights)
        return model_of_module(module, name=text, source=self.name, request=request)


def build(factory: str) -> Any:
    """The module that `package.module:factory` returns.

    Raises:
        InputError: it cannot be imported, raises, or returns something else.
    """
    from torch import nn

    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does, so that a file beside the user is found
    package, _, path = factory.partition(":")
    try:
        found: Any = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{package}.".startswith(f"{error.name}."):
            raise InputError(
                f"factory {factory}: there is no module {error.name} in {here} or among the "
                "installed packages: run from the folder that holds it, or install it"
            ) from None
        raise _raised(factory, "importing its module", error) from error
    except Exception as error:
        raise _raised(factory, "importing its module", error) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(
                f"factory {factory}: {package} has no {path}: give the name of a function that "
                "returns a torch.nn.Module"
            )
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise InputError(
            f"factory {factory} is {type(found).__name__} and cannot be called: give a function "
            "that returns a torch.nn.Module"
        )
    try:
        module = found()
    except Exception as error:
        raise _raised(factory, "calling it", error) from error
    if not isinstance(module, nn.Module):
        raise InputError(
            f"factory {factory} returned {type(module).__name__}: it must return a torch.nn.Module"
        )
    return module


def _raised(factory: str, doing: str, error: Exception) -> InputError:
    return InputError(
        f"factory {factory}: {doing} raised {type(error).__name__}: {first_line(error)}; "
        "make it run without arguments"
    )


register(FactorySource())
