"""A small space, and a world in which every fidelity can be looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from paretune.search import KEEP, Choice, Option, Space

BLOCKS = 6


@dataclass(frozen=True)
class World:
    """Losses that compound, of a space with merges.

    Attributes:
        space: six blocks, three replacements each, neighbours merged.
        every: bool (n, m) a few thousand different architectures.
        drop: (n,) what each loses in the end, in points.
        divergence: (n,) what it loses untrained: correlated, biased, noisy.
        scores: (m,) divergence with one option put in.
        costs: (m,) FLOPs of each option.
    """

    space: Space
    every: Choice
    drop: NDArray[np.float64]
    divergence: NDArray[np.float64]
    scores: NDArray[np.float64]
    costs: NDArray[np.float64]


def small_space() -> Space:
    options = []
    for block in range(BLOCKS):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        options.append(Option(id=f"b{block}:skip", first=block, last=block, operator="skip"))
        for width in (0.5, 0.25):
            params = {"width": width}
            name = f"b{block}:narrow({width})"
            options.append(
                Option(id=name, first=block, last=block, operator="narrow", params=params)
            )
        if block + 1 < BLOCKS:
            name = f"b{block}-{block + 1}:merge"
            options.append(Option(id=name, first=block, last=block + 1, operator="merge"))
    return Space(blocks=BLOCKS, options=tuple(options))


@pytest.fixture(scope="package")
def world() -> World:
    space, random = small_space(), np.random.default_rng(7)
    typical = {KEEP: 0.0, "skip": 0.6, "narrow": 0.25, "merge": 0.5}
    weights = np.array(
        [
            typical[option.operator] * (1.5 - option.first / BLOCKS) * random.uniform(0.6, 1.4)
            for option in space.options
        ]
    )
    bias = weights * random.uniform(0.5, 1.5, len(weights))
    every = random.permutation(np.unique(space.sample(random, 3000), axis=0))
    size = len(every)
    drop = 2 * np.expm1(every @ weights) + 0.15 * random.normal(size=size)
    divergence = 0.1 * np.expm1(1.3 * (every @ bias)) * np.exp(0.25 * random.normal(size=size))
    costs = {KEEP: 10.0, "skip": 0.0, "narrow": 4.0, "merge": 12.0}
    return World(
        space=space,
        every=every,
        drop=drop,
        divergence=divergence,
        scores=0.1 * np.expm1(1.3 * bias),
        costs=np.array([costs[option.operator] for option in space.options]),
    )
