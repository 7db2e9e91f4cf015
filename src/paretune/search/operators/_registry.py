"""The operators that a search may use: one file each, found here by name."""

from __future__ import annotations

from importlib import import_module

from paretune.core import InputError
from paretune.search.operators.base import Operator

#: Modules that register operators, in the order in which their proposals are listed.
_MODULES: tuple[str, ...] = (
    "_skip",
    "_families",
    "_activation",
    "_gate",
    "_width",
    "_low_rank",
    "_heads",
    "_skip_sublayer",
)
_OPERATORS: dict[str, Operator] = {}


def register(kind: type[Operator]) -> type[Operator]:
    """Add an operator; a class decorator."""
    _OPERATORS[kind.name] = kind()
    return kind


def operators() -> tuple[Operator, ...]:
    """Every operator, in the order in which they are listed."""
    for module in _MODULES:
        import_module(f"paretune.search.operators.{module}")
    return tuple(_OPERATORS.values())


def get(name: str) -> Operator:
    """The operator of that name.

    Raises:
        InputError: there is none.
    """
    known = {operator.name: operator for operator in operators()}
    if name not in known:
        raise InputError(f"operator {name!r} is unknown: there are {', '.join(sorted(known))}")
    return known[name]
