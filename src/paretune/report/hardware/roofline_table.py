"""A model's layers against the machine's limits, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretune.core.roofline import LayerLimit, Roofline
from paretune.report import text
from paretune.report._table import plain

if TYPE_CHECKING:
    from rich.table import Table

#: Layers that lose most, told with their reasons.
WORST = 5
#: Share of the time without a limit that is worth a line.
UNTOLD = 0.02


def summary(found: Roofline) -> list[str]:
    """The answer first: how near the limit the whole is, and the limits themselves."""
    share = found.limit_us / found.layers_us if found.layers_us else 0.0
    peaks = ", ".join(
        f"{precision} {rate / 1e9:,.0f} GMAC/s"
        for precision, rate in found.peaks.macs_per_s.items()
    )
    sizes = found.peaks.bytes_per_s
    lines = [
        f"{found.variant}: {found.call_us / 1000:.3g} ms a call; its layers take "
        f"{found.layers_us / 1000:.3g} ms, {share:.0%} of which this machine's limits account for.",
        f"Limits with {found.peaks.threads} threads: {peaks}; copies "
        f"{sizes[0][1] / 1e9:,.0f} GB/s in {sizes[0][0] // 1024} kB, "
        f"{sizes[-1][1] / 1e9:,.0f} GB/s in {sizes[-1][0] // 2**20} MB.",
    ]
    if found.untold_us > UNTOLD * found.layers_us:
        lines.append(
            f"Of layers that take {found.untold_us / found.layers_us:.0%} of the time the runtime "
            "tells no shapes, as where an input's size is free: they have no limit here."
        )
    for place, layer in enumerate(found.worst(WORST), 1):
        lines.append(
            f"{place}. {text.cut(layer.name, 50)} ({layer.op}, {layer.precision or 'untold'}): "
            f"{layer.microseconds:.1f} us, {layer.lost_us:.1f} above its limit"
            + (f": {layer.why}" if layer.why else "")
        )
    return lines


def table(found: Roofline) -> Table:
    """Time by kind of layer and precision: where it goes, and how near the limit each kind is."""
    from rich.text import Text

    kinds: dict[tuple[str, str], list[LayerLimit]] = {}
    for layer in found.layers:
        kinds.setdefault((layer.op, layer.precision), []).append(layer)
    made = plain()
    made.add_column("kind", no_wrap=True)
    made.add_column("precision", no_wrap=True)
    for name in ("layers", "us", "share", "limit us", "of limit", "MMAC", "MB"):
        made.add_column(name, justify="right", no_wrap=True)
    order = sorted(kinds.items(), key=lambda kind: -sum(x.microseconds for x in kind[1]))
    for (op, precision), layers in [*order, (("all", ""), list(found.layers))]:
        spent = sum(layer.microseconds for layer in layers)
        least = sum(layer.limit_us for layer in layers)
        cells = [
            op,
            precision,
            str(len(layers)),
            text.significant(spent),
            f"{spent / found.layers_us:.1%}",
            text.significant(least),
            f"{least / spent:.0%}" if spent else "",
            text.significant(sum(layer.macs for layer in layers) / 1e6),
            text.significant(sum(layer.moved for layer in layers) / 1e6),
        ]
        made.add_row(*(Text(cell) for cell in cells), style="bold" if op == "all" else None)
    return made
