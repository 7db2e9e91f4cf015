"""Which source answers for a MODEL text."""

from __future__ import annotations

import difflib
from pathlib import Path

from paretune.core import InputError
from paretune.sources._weights import PICKLES
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
    raise InputError(f"MODEL {text!r} {_why_unknown(text)}")


def _why_unknown(text: str) -> str:
    path = Path(text.partition(":")[0])
    if path.suffix == ".py" and ":" in text:
        dotted = ".".join(path.with_suffix("").parts).lstrip("./")
        return f"names a file: give the module's dotted name, {dotted}:{text.partition(':')[2]}"
    if path.suffix.lower() in PICKLES:
        return (
            "is a pickle, which can run any code when opened: give package.module:factory"
            "@weights.safetensors, with the weights saved once by safetensors.torch.save_file"
        )
    forms = [form for source in _SOURCES for form in source.form.split(" | ")]
    near = difflib.get_close_matches(text, forms, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"is of no known form or does not exist: {hint}give one of {', '.join(forms)}"
