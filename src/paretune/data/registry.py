"""The forms that DATA can have: one file each, found here by the text the user wrote."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data.base import Dataset, Samples

#: Modules that register a form, in the order in which a DATA text is offered to them.
_MODULES = ("_digits", "_fashion_mnist", "_huggingface", "_table", "_npz", "_folder", "_factory")


@dataclass(frozen=True)
class Opened:
    """Samples as a form gives them.

    Attributes:
        samples: all readable samples.
        parts: splits that the data itself fixes, as sample indices; empty where it fixes none.
        search_from_train: whether `search` is cut from `train` where the data does not fix it;
            otherwise it shares what the data holds out.
    """

    samples: Samples
    parts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    search_from_train: bool = False


class Format(ABC):
    """One form of DATA. Stateless; heavy imports happen inside its methods."""

    name: ClassVar[str]
    #: How a user writes it, for messages and the documentation.
    usage: ClassVar[str]

    @abstractmethod
    def match(self, text: str) -> bool:
        """Whether the text has this form; touches nothing but the file system's names."""

    @abstractmethod
    def open(self, text: str) -> Opened | Dataset:
        """The samples; a Dataset where the data brings all of its own splits.

        Raises:
            InputError: what is wrong with the data, and the mend.
        """


_FORMATS: dict[str, Format] = {}


def register(kind: type[Format]) -> type[Format]:
    """Add a form; a class decorator."""
    _FORMATS[kind.name] = kind()
    return kind


def formats() -> tuple[Format, ...]:
    """Every form, in the order in which they are tried."""
    for module in _MODULES:
        import_module(f"paretune.data.{module}")
    return tuple(_FORMATS.values())


def find(text: str) -> Format:
    """The form that a DATA text has.

    Raises:
        InputError: it has none of them.
    """
    known = formats()
    for form in known:
        if form.match(text):
            return form
    usages = ", ".join(form.usage for form in known)
    raise InputError(f"data {text!r} was not found and is none of: {usages}")
