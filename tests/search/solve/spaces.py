"""Spaces with options over several blocks, and two exact ways to solve them that share no code."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from paretune.search import KEEP, Option, Space

Floats = NDArray[np.float64]


def make(blocks: int, plain: int, longest: int = 3) -> Space:
    """Every block kept or replaced in `plain` ways, every run of 2 to `longest` blocks merged."""
    options = []
    for block in range(blocks):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        for k in range(plain):
            options.append(Option(id=f"b{block}:p{k}", first=block, last=block, operator="plain"))
        for last in range(block + 1, min(block + longest, blocks)):
            name = f"b{block}-{last}:merge"
            options.append(Option(id=name, first=block, last=last, operator="merge"))
    return Space(blocks=blocks, options=tuple(options))


def numbers(space: Space, seed: int) -> tuple[Floats, Floats]:
    """Loss and latency of each option: what is faster loses more, roughly."""
    random = np.random.default_rng(seed)
    spans = np.array([option.span for option in space.options])
    latency = random.uniform(0.1, 1.0, len(spans)) * spans
    loss = random.gamma(1.0, size=len(spans)) * (1.2 * spans - latency)
    return loss, latency


def every(space: Space) -> NDArray[np.bool_]:
    """All architectures, by trying every subset."""
    vectors = np.array(list(product((False, True), repeat=len(space.options))))
    return vectors[(vectors.astype(int) @ space.covers.T.astype(int) == 1).all(axis=1)]


def staircase(space: Space, loss: Floats, latency: Floats) -> Floats:
    """All non-dominated (latency, loss), float (n, 2), by a dynamic programme over blocks."""
    labels: list[list[tuple[float, float]]] = [[] for _ in range(space.blocks + 1)]
    labels[0] = [(0.0, 0.0)]
    for block in range(space.blocks):
        labels[block] = _pruned(labels[block])
        for place in space.starting[block]:
            after = space.options[place].last + 1
            labels[after] += [(t + latency[place], x + loss[place]) for t, x in labels[block]]
    return np.array(_pruned(labels[space.blocks]))


def _pruned(labels: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for label in sorted(labels):
        if not kept or label[1] < kept[-1][1]:
            kept.append(label)
    return kept
