"""What the choice minimises among the variants that meet every constraint."""

from __future__ import annotations

import math

from paretune.core._base import Noun
from paretune.core.errors import InputError
from paretune.core.measurement import VariantRecord
from paretune.core.metric import ALIASES, FIGURES, Figure, cost_per_million, measured

OBJECTIVES = ("latency", "throughput", "size", "memory", "cost")
#: Those that are about all streams busy at once.
UNDER_LOAD = ("throughput", "cost")


class Objective(Noun):
    """One of `OBJECTIVES`; made by `Objective.parse`.

    Attributes:
        name: as the user writes it.
        price_per_hour: USD an hour of the machine; only `cost` needs it.
    """

    name: str
    price_per_hour: float | None = None

    @property
    def figure(self) -> Figure:
        """The figure it is about."""
        return FIGURES[ALIASES.get(self.name, self.name)]

    @property
    def unit(self) -> str:
        """Unit of `value`."""
        return self.figure.unit

    @property
    def label(self) -> str:
        """For tables and charts."""
        return self.figure.label

    def value(self, record: VariantRecord) -> float:
        """The figure in its unit; the worst there could be where it was not measured."""
        value = measured(record, self.name, price_per_hour=self.price_per_hour)
        if value is None or math.isnan(value):
            return 0.0 if self.figure.higher_is_better else math.inf
        return value

    def key(self, record: VariantRecord) -> float:
        """What to minimise."""
        value = self.value(record)
        return -value if self.figure.higher_is_better else value

    def cost(self, record: VariantRecord) -> float | None:
        """USD per million inferences, None without a price or a throughput."""
        return cost_per_million(record.throughput_per_s, self.price_per_hour)

    @classmethod
    def parse(cls, name: str, *, price_per_hour: float | None = None) -> Objective:
        """The objective of that name.

        Args:
            name: one of `OBJECTIVES`.
            price_per_hour: USD an hour of the machine, above 0; `cost` needs it.

        Raises:
            InputError: unknown name; cost without a price; a price that is none.
        """
        if name not in OBJECTIVES:
            raise InputError(f"unknown objective {name!r}: give one of {', '.join(OBJECTIVES)}")
        if price_per_hour is not None and not 0 < price_per_hour < math.inf:
            raise InputError(
                f"price per hour {price_per_hour} must be above 0: give the machine's USD an hour"
            )
        if name == "cost" and price_per_hour is None:
            raise InputError(
                "objective cost needs the price of the machine: give --price-per-hour, in USD"
            )
        return cls(name=name, price_per_hour=price_per_hour)
