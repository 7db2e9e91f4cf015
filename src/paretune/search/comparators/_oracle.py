"""What every search asks: how accurate and how fast an architecture is, and what knowing costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from paretune.search.space import Choice


@dataclass(frozen=True)
class Evaluation:
    """What was found out about one architecture.

    Attributes:
        accuracy: on the `search` split, fraction 0..1.
        latency_ms: of one call on the target, ms.
        cost: training FLOPs that finding out took.
    """

    accuracy: float
    latency_ms: float
    cost: float


class Oracle(Protocol):
    """Trains an architecture shortly, scores it and times it.

    All searches of one comparison share one oracle: the same short training from the same
    library of trained replacements, the same data, the same target.
    """

    def evaluate(self, choice: Choice) -> Evaluation:
        """Find out about one architecture, bool (m,)."""
        ...


class Cached:
    """An oracle that answers a question asked before from memory, at no cost."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._known: dict[bytes, Evaluation] = {}

    def evaluate(self, choice: Choice) -> Evaluation:
        """Find out, or remember; what is remembered costs 0."""
        key = choice.tobytes()
        if key in self._known:
            return replace(self._known[key], cost=0.0)
        self._known[key] = self._oracle.evaluate(choice)
        return self._known[key]
