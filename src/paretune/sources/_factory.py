"""`package.module:factory`: the user's own code that builds a `torch.nn.Module`."""

from __future__ import annotations

from typing import Any, ClassVar

from paretune.core import InputError, Model, user_code
from paretune.sources._imports import need
from paretune.sources._module import model_of_module
from paretune.sources._registry import register
from paretune.sources._weights import choose_weights, load_weights, split_weights
from paretune.sources.base import Request, Source


class FactorySource(Source):
    """Imports a module, calls the factory without arguments, loads weights into the result."""

    name: ClassVar[str] = "factory"
    form: ClassVar[str] = "package.module:factory[@weights.safetensors]"
    rank: ClassVar[int] = 1  # `hf:NAME` could be a package of the user's, too
    runs_code: ClassVar[bool] = True

    def match(self, text: str) -> bool:
        """Whether `text` is dotted names around one colon; a file `net.py:build` is none."""
        factory = split_weights(text)[0]
        return user_code.is_reference(factory)

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

    returns = "a torch.nn.Module"
    found = user_code.find(factory, what="factory", returns=returns)
    if isinstance(found, nn.Module):
        return found
    module = user_code.call(found, what="factory", text=factory)
    if not isinstance(module, nn.Module):
        raise InputError(
            f"factory {factory} returned {type(module).__name__}: it must return {returns}"
        )
    return module


register(FactorySource())
