"""What every solver asks of its numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretune.core import InputError
from paretune.search.space import Space


def weights(space: Space, values: ArrayLike, what: str) -> NDArray[np.float64]:
    """One number an option as float64 (m,).

    Raises:
        InputError: not one number an option, or one that is not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(space.options),):
        raise InputError(
            f"the {what} has shape {found.shape}, but the space has {len(space.options)} options: "
            "give one number an option"
        )
    broken = np.flatnonzero(~np.isfinite(found))
    if broken.size:
        name = space.options[int(broken[0])].id
        raise InputError(f"the {what} of option {name!r} is not finite: leave the option out")
    return found
