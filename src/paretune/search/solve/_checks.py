"""What every solver asks of its numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError
from paretune.search.space import Space


def weights(
    space: Space, values: ArrayLike, what: str, banned: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """One number an option as float64 (m,); 0 for options that are banned.

    Raises:
        InputError: not one number an option, or one that is not finite and not banned.
    """
    found = np.where(banned, 0.0, _shaped(space, values, what))
    broken = np.flatnonzero(~np.isfinite(found))
    if broken.size:
        name = space.options[int(broken[0])].id
        raise InputError(f"the {what} of option {name!r} is not finite: exclude the option")
    return found


def banned(space: Space, exclude: ArrayLike | None) -> NDArray[np.bool_]:
    """The options that must not be used, bool (m,).

    Raises:
        InputError: not one truth value an option.
    """
    if exclude is None:
        return np.zeros(len(space.options), dtype=bool)
    return _shaped(space, exclude, "exclusion").astype(bool)


def _shaped(space: Space, values: ArrayLike, what: str) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(space.options),):
        raise InputError(
            f"the {what} has shape {found.shape}, but the space has {len(space.options)} options: "
            "give one number an option"
        )
    return found
