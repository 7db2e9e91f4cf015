"""Oracles whose answers are known, on spaces with options over several blocks."""

from __future__ import annotations

import numpy as np

from paretune.search import KEEP, Choice, Option, Space
from paretune.search.comparators import Evaluation


def make(blocks: int, plain: int) -> Space:
    """Every block kept or replaced in `plain` ways, and every neighbouring pair merged."""
    options = []
    for block in range(blocks):
        options.append(Option(id=f"b{block}:keep", first=block, last=block, operator=KEEP))
        for k in range(plain):
            options.append(Option(id=f"b{block}:p{k}", first=block, last=block, operator="plain"))
        if block + 1 < blocks:
            name = f"b{block}-{block + 1}:merge"
            options.append(Option(id=name, first=block, last=block + 1, operator="merge"))
    return Space(blocks=blocks, options=tuple(options))


class Counting:
    """Accuracy and latency additive in the options; costs as much as the latency."""

    def __init__(self, space: Space) -> None:
        random = np.random.default_rng(7)
        spans = np.array([option.span for option in space.options])
        self.loss = random.uniform(0.0, 0.05, len(spans)) * spans
        self.latency = random.uniform(0.1, 1.0, len(spans)) * spans
        self.asked = 0

    def evaluate(self, choice: Choice) -> Evaluation:
        self.asked += 1
        latency = float(choice @ self.latency)
        return Evaluation(
            accuracy=0.95 - float(choice @ self.loss), latency_ms=latency, cost=latency
        )


class Table:
    """Accuracy from NAS-Bench-Macro, FLOPs as latency, one a training."""

    def __init__(self, macro) -> None:
        self.macro = macro

    def evaluate(self, choice: Choice) -> Evaluation:
        row = self.macro.row[choice.tobytes()]
        return Evaluation(float(self.macro.accuracy[row]), float(self.macro.flops[row]), 1.0)
