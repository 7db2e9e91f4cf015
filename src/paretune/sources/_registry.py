"""Which source answers for a MODEL text."""

from __future__ import annotations

import difflib

from paretune.core import InputError
from paretune.sources.base import Source

_SOURCES: list[Source] = []


def register(source: Source) -> Source:
    """Add a source; within its rank it is asked after those registered before."""
    _SOURCES.append(source)
    _SOURCES.sort(key=lambda each: each.rank)
    return source


def sources() -> tuple[Source, ...]:
    """Every registered source, in the order in which they are asked."""
    return tuple(_SOURCES)


def source_of(text: str) -> Source:
    """The first source that recognises `text`.

    Raises:
        InputError: none does; the message lists the forms.
    """
    for source in _SOURCES:
        if source.match(text):
            return source
    names = [name for source in _SOURCES for name in source.form.split(" | ")]
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        f"MODEL {text!r} is not of any known form or does not exist: {hint}"
        f"give one of {', '.join(names)}"
    )
