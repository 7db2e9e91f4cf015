"""Which architectures are alike: the prior of the surrogate, as covariances between architectures.

A Bayesian linear model with weights w ~ N(0, sum_g v_g G_g) has covariance X (sum_g v_g G_g) X^T
between architectures X, so a hierarchy of shrinkage is a sum of kernels with one variance v_g each:
options that share an operator, parameters or a signature share a part of their weight (Gelman &
Hill 2007, ch. 12). Squares of such kernels are the Bayesian linear models of all pairs of options
(Rasmussen & Williams 2006, section 4.2.2), and the kernel of agreeing blocks is the residual over
categories that holds every higher interaction.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.space import KEEP, Choice, Option, Space

Floats = NDArray[np.float64]

#: Reach of an operator's weight and of its interactions along the network, in parts of its depth:
#: from the neighbouring block of a short network to a stage. The evidence weighs them.
REACHES = (1 / 8, 3 / 8)
#: Share of likeness that a differing block costs in the residual. The evidence weighs them.
DIFFERING = (0.3, 0.7)


class Kernel(ABC):
    """A covariance between architectures up to its variance.

    Attributes:
        name: what it stands for.
    """

    name: str

    @abstractmethod
    def gram(self, left: Choice, right: Choice) -> Floats:
        """Covariances, float64 (n, k), of architectures (n, m) with architectures (k, m)."""

    @abstractmethod
    def diagonal(self, choices: Choice) -> Floats:
        """Variance of each architecture, float64 (n,)."""


@dataclass(frozen=True)
class Additive(Kernel):
    """Every option adds a weight; `table` (m, m) is the covariance of the weights."""

    name: str
    table: Floats

    def gram(self, left: Choice, right: Choice) -> Floats:
        """Covariances, float64 (n, k)."""
        return np.asarray(left.astype(float) @ (self.table @ right.T.astype(float)))

    def diagonal(self, choices: Choice) -> Floats:
        """Variances, float64 (n,)."""
        rows = choices.astype(float)
        return np.asarray(((rows @ self.table) * rows).sum(axis=1))


@dataclass(frozen=True)
class Pairs(Kernel):
    """Every pair of options adds a weight; a pair's covariance is the product of its options'."""

    name: str
    table: Floats

    def gram(self, left: Choice, right: Choice) -> Floats:
        """Covariances, float64 (n, k)."""
        return Additive(self.name, self.table).gram(left, right) ** 2

    def diagonal(self, choices: Choice) -> Floats:
        """Variances, float64 (n,)."""
        return Additive(self.name, self.table).diagonal(choices) ** 2


@dataclass(frozen=True)
class Agreement(Kernel):
    """Likeness falls by the factor `1 - differing` for every block that became something else."""

    name: str
    spans: Floats
    differing: float

    def gram(self, left: Choice, right: Choice) -> Floats:
        """Covariances, float64 (n, k)."""
        agreeing = (left * self.spans) @ right.T.astype(float)
        blocks = (left * self.spans).sum(axis=1)[:, None]
        return np.asarray((1 - self.differing) ** (blocks - agreeing))

    def diagonal(self, choices: Choice) -> Floats:
        """Variances, float64 (n,)."""
        return np.ones(len(choices))


def kernels(space: Space, *, interactions: bool = True) -> tuple[Kernel, ...]:
    """The prior over a space.

    Args:
        space: the architectures.
        interactions: with pairs of options and the residual; without them the model is additive.
    """
    tables = option_covariances(space)
    found: list[Kernel] = [Additive(name, table) for name, table in tables.items()]
    if interactions:
        reach = tables[f"operator within {REACHES[-1]:g}"]
        spans = np.array([option.span for option in space.options], dtype=float)
        found += [Pairs("pairs of options", tables["option"]), Pairs("pairs of operators", reach)]
        found += [Agreement(f"agreement {part:g}", spans, part) for part in DIFFERING]
    return tuple(found)


def option_covariances(space: Space) -> dict[str, Floats]:
    """How the weights of options hang together, by name, each float64 (m, m).

    Options that keep their block have weight 0: what they lose is the constant of the model.
    """
    options = space.options
    changed = np.array([option.operator != KEEP for option in options])
    both = np.outer(changed, changed)
    same = _equal([option.operator for option in options]) & both
    middle = np.array([(option.first + option.last) / 2 for option in options])
    distance = np.abs(middle[:, None] - middle[None])
    found = {"option": np.diag(changed.astype(float)), "operator": same.astype(float)}
    for reach in REACHES:
        length = max(1.0, reach * space.blocks)
        near = np.exp(-(distance**2) / (2 * length**2))
        found[f"operator within {reach:g}"] = same * near
    covers = space.covers.astype(float) / np.sqrt([option.span for option in options])
    found["block"] = (covers.T @ covers) * both
    groups: dict[str, Sequence[Hashable]] = {
        "parameters": [_parameters(option) for option in options],
        "signature": [option.signature or option.id for option in options],
    }
    for name, labels in groups.items():
        table = (_equal(labels) & both).astype(float)
        # A grouping that says nothing new would only split a variance in two.
        if not any(np.array_equal(table, other) for other in found.values()):
            found[name] = table
    return found


def _parameters(option: Option) -> str:
    """Equal where operator and parameters are."""
    return json.dumps([option.operator, option.params], sort_keys=True, default=str)


def _equal(labels: Sequence[Hashable]) -> NDArray[np.bool_]:
    """Which labels are equal, bool (m, m)."""
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    numbers = np.array([places[label] for label in labels])
    return np.asarray(numbers[:, None] == numbers[None])
