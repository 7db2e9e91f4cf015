"""What a search measured of accuracy, in the file that the surrogate is judged on.

    {"task": "C10", "space": Space, "swap_one": [m] or null, "flops": [m],
     "untrained": {"choices": [[option id, ...], ...], "values": [...]} or null,
     "anchors": {...}, "held_out": {...}, "latency_ms": [of each held-out network]}

Values of anchors and held-out networks are points of accuracy lost against the baseline, after
distillation and in INT8; those of untrained compositions are divergences.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, model_validator

from paretune.core import InputError, Noun
from paretune.search import Choice, Space

Floats = NDArray[np.float64]


class Networks(Noun):
    """Architectures with one figure each.

    Attributes:
        choices: the ids of each one's options.
        values: the loss of each.
    """

    choices: tuple[tuple[str, ...], ...]
    values: tuple[float, ...]

    def rows(self, space: Space) -> Choice:
        """As vectors, bool (n, m)."""
        return np.array([space.of(ids) for ids in self.choices])

    @property
    def loss(self) -> Floats:
        """The values, float64 (n,)."""
        return np.array(self.values)


class Recorded(Noun):
    """The whole file; see the module's text."""

    task: str
    space: Space
    swap_one: tuple[float, ...] | None = None
    flops: tuple[float, ...]
    untrained: Networks | None = None
    anchors: Networks
    held_out: Networks
    latency_ms: tuple[float, ...]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """A network that the surrogate was fitted to judges nothing."""
        seen = {frozenset(ids) for ids in self.anchors.choices}
        if any(frozenset(ids) in seen for ids in self.held_out.choices):
            raise ValueError("a held-out network is among the anchors")
        if len(self.latency_ms) != len(self.held_out.choices):
            raise ValueError("latency_ms needs one latency for each held-out network")
        return self

    @classmethod
    def read(cls, file: Path) -> Recorded:
        """From a file.

        Raises:
            InputError: it is not such a file.
        """
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{file}: {place or 'record'}: {first['msg']}") from error

    def fidelities(self) -> dict[str, Any]:
        """What `AccuracySurrogate.fit` takes."""
        return {
            "swap_one": None if self.swap_one is None else np.array(self.swap_one),
            "untrained": None
            if self.untrained is None
            else (self.untrained.rows(self.space), self.untrained.loss),
            "anchors": (self.anchors.rows(self.space), self.anchors.loss),
            "costs": np.array(self.flops),
        }


def slices(cost: Floats, count: int) -> list[NDArray[np.int_]]:
    """Rows in `count` slices of equally many, by rising cost (n,)."""
    return np.array_split(np.argsort(cost, kind="stable"), count)
