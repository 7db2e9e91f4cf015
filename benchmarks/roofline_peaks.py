"""Whether a machine's limits are the same each time, and whether any layer goes beyond them.

The limits are measured several times over, then every layer of networks with random weights is set
against limits that were measured with it.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from _common import Figure, Outcome, Said, finish, options
from _networks import efficientnet_b0, hugging_face

from paretune import runtimes
from paretune.core import Precision
from paretune.engine import machine
from paretune.pipeline.peaks import peaks
from paretune.pipeline.roofline import roofline

NETWORKS = ("resnet-50", "efficientnet-b0")
RUNS = 5


def precisions() -> tuple[Precision, ...]:
    """What networks are compiled to here."""
    return runtimes.get("openvino").precisions(machine.detect(), "cpu")


def stable(runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """How far the highest of several measured peaks lies above the lowest."""
    target = machine.detect()
    found = []
    for run in range(runs):
        Said().step(f"run {run + 1} of {runs}")
        found.append(peaks(target, target.usable_cores, set(precisions())))
    figures = []
    for precision in found[0].macs_per_s:
        rates = [one.macs_per_s[precision] / 1e9 for one in found]
        text = f"{_above(rates):.1%} ({min(rates):.0f} to {max(rates):.0f} GMAC/s)"
        figures.append(Figure(f"peaks/{precision}", _above(rates), text))
    largest = [one.bytes_per_s[-1][1] / 1e9 for one in found]
    text = f"{_above(largest):.1%} ({min(largest):.1f} to {max(largest):.1f} GB/s)"
    figures.append(Figure("peaks/memory", _above(largest), text))
    return figures, {"peaks": [one.model_dump(mode="json") for one in found]}


def _above(values: list[float]) -> float:
    return max(values) / min(values) - 1


def fractions(name: str) -> tuple[list[Figure], dict[str, Any]]:
    """The largest share of its limit that a layer reaches, and what all reach together."""
    figures, details = [], {}
    with tempfile.TemporaryDirectory(prefix="paretune-roofline-") as folder:
        network = (
            efficientnet_b0() if name == "efficientnet-b0" else hugging_face(name, Path(folder))
        )
        for precision in precisions():
            Said().step(precision)
            found = roofline(network, precision=precision)
            most = max(found.layers, key=lambda layer: layer.fraction)
            whole = found.limit_us / found.layers_us
            key = f"roofline/{name}/{precision}"
            figures.append(Figure(key, most.fraction, f"{most.fraction:.2f}, {most.name}"))
            figures.append(Figure(f"{key}/whole", whole, f"{whole:.2f}"))
            details[precision] = found.model_dump(mode="json", exclude={"target"})
    return figures, details


def main() -> int:
    """Measure the peaks, then the networks."""
    parser = options(__doc__ or "")
    args = parser.parse_args()
    found = Outcome()
    found.part("peaks", partial(stable, 2 if args.quick else RUNS))
    for name in NETWORKS[-1:] if args.quick else NETWORKS:
        found.part(name, partial(fractions, name))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
