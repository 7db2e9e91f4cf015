"""Known networks for a machine and data that nothing is trained on yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.core import Condition, Estimate, Noun, Target
from paretune.report import text
from paretune.report._table import plain
from paretune.report.hardware.model_table import disturbed, left_out

if TYPE_CHECKING:
    from rich.table import Table


class Suggested(Noun):
    """A known network on this machine.

    Attributes:
        model: as MODEL, to be trained: `timm:NAME`.
        family: networks of one design.
        top1: published accuracy on ImageNet at its own size of image, a fraction: an order, not
            what it will reach on other data.
        variant: id of its fastest variant that fits, or of its fastest.
        precision: of that variant.
        latency_ms: median latency of a call with one sample, milliseconds.
        size_mb: on disk.
        fits: whether it meets every constraint.
    """

    model: str
    family: str
    top1: float
    variant: str
    precision: str
    latency_ms: Estimate
    size_mb: float | None
    fits: bool


class Suggestion(Noun):
    """Known networks for this machine, those that fit first, by published accuracy.

    Attributes:
        target: the machine.
        networks: best first.
        left_out: networks that could not be measured, or not in a precision, and why.
        conditions: what a reader of the figures should know.
    """

    target: Target
    networks: tuple[Suggested, ...]
    left_out: dict[str, str]
    conditions: tuple[Condition, ...] = ()


def summary(found: Suggestion) -> list[str]:
    """The answer first, then what is missing or was disturbed."""
    return [headline(found), *left_out(found.left_out), *disturbed(found.conditions)]


def headline(found: Suggestion) -> str:
    """The answer first."""
    fitting = [one for one in found.networks if one.fits]
    if not fitting:
        if not found.networks:
            return "No known network could be measured here."
        fastest = min(found.networks, key=lambda one: one.latency_ms.value)
        return (
            f"None of {len(found.networks)} known networks meets the constraints here: the "
            f"fastest, {fastest.model}, takes {text.milliseconds(fastest.latency_ms.value)} ms."
        )
    best = fitting[0]
    return (
        f"{best.model}: {text.milliseconds(best.latency_ms.value)} ms a call here, {best.top1:.1%} "
        f"published on ImageNet; {len(fitting)} of {len(found.networks)} known networks fit."
    )


def table(found: Suggestion) -> Table:
    """Every network, those that fit first."""
    from rich.text import Text

    made = plain()
    made.add_column("network", overflow="fold")
    made.add_column("family", overflow="fold")
    made.add_column("as", no_wrap=True)
    for name in ("published %", "ms", "±", "MB", "fits"):
        made.add_column(name, justify="right", no_wrap=True)
    for one in found.networks:
        low, high = one.latency_ms.ci95
        cells = [
            one.model,
            one.family,
            one.precision,
            f"{one.top1 * 100:.1f}",
            text.milliseconds(one.latency_ms.value),
            f"{(high - low) / 2 / one.latency_ms.value:.1%}",
            text.significant(one.size_mb) if one.size_mb else "",
            "yes" if one.fits else "no",
        ]
        made.add_row(*(Text(cell) for cell in cells), style=None if one.fits else "dim")
    return made
