"""The searches that ours is compared with, with the settings that did best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from paretune.search import Space
from paretune.search.comparators import Controller, RandomSearch, RegularisedEvolution, Strategy

Make = Callable[[np.random.Generator], Strategy]


def rivals(
    space: Space, target_ms: float, *, population: int = 25, sample: int = 15, rate: float = 0.2
) -> dict[str, Make]:
    """Random search, regularised evolution and the controller, by name.

    Exponents are those that did best on NAS-Bench-Macro. Tried there: evolution with 10 to 50
    alive, tournaments of 3 to 25 and one to five exponents; the controller with rates of .03 to .3,
    entropies of .03 to 1 and one to three exponents. With the exponent -0.07 alone both end at one
    place of the front.

    Args:
        space: all architectures.
        target_ms: latency aimed at, ms.
        population, sample: of evolution.
        rate: of the controller.
    """
    return {
        "random": lambda random: RandomSearch(space, random=random),
        "evolution": lambda random: RegularisedEvolution(
            space,
            target_ms=target_ms,
            random=random,
            population=population,
            sample=sample,
            exponents=(-0.02, -0.07, -0.2),
        ),
        "reinforce": lambda random: Controller(
            space, target_ms=target_ms, random=random, rate=rate, exponents=(-0.03, -0.15)
        ),
    }
