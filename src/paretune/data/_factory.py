"""`package.module:factory`: a function of the user's that returns the data."""

from __future__ import annotations

from typing import ClassVar

from paretune.core import InputError, user_code
from paretune.data._memory import from_pair
from paretune.data.base import Dataset, Samples
from paretune.data.registry import Format, Opened, register


@register
class Factory(Format):
    """`package.module:factory`."""

    name: ClassVar[str] = "factory"
    usage: ClassVar[str] = "package.module:factory"

    def match(self, text: str) -> bool:
        """Whether it reads as module, colon, name."""
        return user_code.is_reference(text)

    def open(self, text: str) -> Opened | Dataset:
        """What the function returns: a Dataset, Samples, or `(x, y)`."""
        function = user_code.find(text, what="factory", returns="data")
        made = user_code.call(function, what="factory", text=text)
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
