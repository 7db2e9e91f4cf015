"""What a model says of one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.runtimes.base import Array


@dataclass(frozen=True)
class Choice:
    """A class with its probability; `label` is the index as text where no names are known."""

    index: int
    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What the model says of one sample.

    Attributes:
        outputs: every output by name, without batch axis.
        top: the most probable classes, best first; empty for tasks other than classification.
    """

    outputs: Mapping[str, Array] = field(repr=False, compare=False)
    top: tuple[Choice, ...] = ()

    @property
    def index(self) -> int | None:
        """Index of the most probable class, None for tasks other than classification."""
        return self.top[0].index if self.top else None

    @property
    def label(self) -> str | None:
        """Name of the most probable class, None for tasks other than classification."""
        return self.top[0].label if self.top else None

    @property
    def probability(self) -> float | None:
        """Probability of that class, None for tasks other than classification."""
        return self.top[0].probability if self.top else None


def rank(scores: Array, labels: Sequence[str] | None, count: int) -> tuple[Choice, ...]:
    """The `count` most probable classes of one sample.

    Args:
        scores: (classes,) logits, or probabilities where the model ends in a softmax.
        labels: class names by index.
        count: how many, cut to the number of classes.

    Raises:
        InputError: the scores are not finite.
    """
    if not np.isfinite(scores).all():
        raise InputError("the model's output is NaN or infinite: check the input's values")
    chances = probabilities(scores)
    order = np.argsort(-chances, kind="stable")[:count]
    named = labels or ()
    return tuple(
        Choice(
            index=int(i),
            label=named[i] if i < len(named) else str(i),
            probability=float(chances[i]),
        )
        for i in order
    )


def probabilities(scores: Array) -> NDArray[np.float64]:
    """Softmax of logits; a row that already is a distribution stays as it is."""
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    if (values >= 0).all() and abs(values.sum() - 1.0) <= 1e-2:
        return values
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())
