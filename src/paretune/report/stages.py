"""As it came, compiled, quantised, searched: the best variant of each stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from paretune.core import VariantRecord

#: In the order of the trip.
CAME, COMPILED, QUANTISED, SEARCHED = STAGES = ("as it came", "compiled", "quantised", "searched")


def best_of_stages(
    variants: Iterable[VariantRecord],
    *,
    native: str,
    searched: Callable[[VariantRecord], bool],
    came: Callable[[VariantRecord], bool],
    cost: Callable[[VariantRecord], float | None],
) -> list[tuple[str, VariantRecord]]:
    """The best usable variant of every stage that has one, in the order of the trip.

    Args:
        variants: of one model, and of what a search made of it.
        native: the runtime that the model came in; other precisions in it are no stage.
        searched: whether a variant is of an architecture that a search made.
        came: whether a variant is the model as it came.
        cost: what is least in the best; None where it was not measured.
    """

    def stage(variant: VariantRecord) -> str | None:
        if came(variant):
            return CAME
        if variant.status != "ok":
            return None
        if searched(variant):
            return SEARCHED
        if variant.precision == "int8":
            return QUANTISED
        return None if variant.runtime == native else COMPILED

    found: dict[str, tuple[float, VariantRecord]] = {}
    for variant in variants:
        value, name = cost(variant), stage(variant)
        if value is None or name is None:
            continue
        if name not in found or value < found[name][0]:
            found[name] = (value, variant)
    return [(name, found[name][1]) for name in STAGES if name in found]
