"""What was measured, checked against the space before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search.space import Choice, Space

Floats = NDArray[np.float64]

#: Fewest different architectures of a fidelity: fewer do not tell a spread from noise.
FEWEST = 4


@dataclass(frozen=True)
class Measured:
    """Architectures of one fidelity, each once.

    Attributes:
        choices: bool (n, m).
        values: float64 (n,) loss of each; the mean where one was measured more than once.
    """

    choices: Choice
    values: Floats

    @classmethod
    def of(cls, space: Space, name: str, choices: Choice, values: Floats) -> Measured:
        """Check and merge.

        Raises:
            InputError: shapes, values or rows that do not fit, or too few of them.
        """
        choices, values = np.asarray(choices, dtype=bool), np.asarray(values, dtype=np.float64)
        wanted = (len(values), len(space.options))
        if values.ndim != 1 or choices.shape != wanted:
            raise InputError(
                f"{name} must be choices of shape (n, {wanted[1]}) and n values, "
                f"not {choices.shape} and {values.shape}"
            )
        _finite(name, values)
        covered = choices.astype(int) @ space.covers.T.astype(int)
        wrong = np.flatnonzero((covered != 1).any(axis=1))
        if len(wrong):
            raise InputError(
                f"row {wrong[0]} of {name} is no architecture: its options must cover every block "
                "exactly once"
            )
        unique, where = np.unique(choices, axis=0, return_inverse=True)
        if len(unique) < FEWEST:
            raise InputError(
                f"{name} has {len(unique)} different architectures: measure at least {FEWEST}, or "
                "leave it out"
            )
        where = where.ravel()
        sums = np.bincount(where, weights=values, minlength=len(unique))
        # In the order they came in, which any thinning relies on being without a pattern.
        first = np.unique(where, return_index=True)[1]
        order = np.argsort(first)
        means = sums / np.bincount(where, minlength=len(unique))
        return cls(choices=unique[order], values=means[order])

    def find(self, rows: Choice) -> NDArray[np.int_]:
        """Place (n,) of each architecture (n, m) among these, -1 where it is not."""
        places = {row.tobytes(): place for place, row in enumerate(self.choices)}
        return np.array([places.get(row.tobytes(), -1) for row in np.asarray(rows, dtype=bool)])


def per_option(space: Space, name: str, row: Floats | None) -> Floats | None:
    """One figure for each option, checked; None stays None.

    Raises:
        InputError: not one finite figure for each option.
    """
    if row is None:
        return None
    figures = np.asarray(row, dtype=np.float64)
    if figures.shape != (len(space.options),):
        raise InputError(
            f"{name} must hold one figure for each of the {len(space.options)} options, not an "
            f"array of shape {figures.shape}"
        )
    _finite(name, figures)
    return figures


def _finite(name: str, values: Floats) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise InputError(
            f"{name}[{wrong[0]}] is {values[wrong[0]]}: leave out what could not be measured"
        )
