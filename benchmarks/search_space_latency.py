"""How fast real-size networks could become: int8 latency that the search's space reaches.

ResNet-50 at 224 pixels and EfficientNet-B2 at 260, with random weights, so nothing is said of
accuracy. First every operator by itself, wherever it is offered, with the parameters that the
latency model says are fastest; then the model's fastest architecture that keeps a share of the
multiply-adds. All are measured.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from _common import Figure, Outcome, Said, finish, options, show
from _space import Floats, lean, modelled, opened

from paretune.search.latency import LatencyOracle, Reading, measured
from paretune.search.space import KEEP, Choice, Space

NAMES = ("resnet-50", "efficientnet-b2")
#: Seconds for the latency model, and shares of the multiply-adds that are kept at least.
SECONDS, QUICK_SECONDS = 400.0, 40.0
KEPT = (0.75, 0.5, 0.25, 0.0)


def everywhere(space: Space, weights: Floats) -> dict[str, Choice]:
    """By operator and parameters, what does one thing wherever it is offered: an operator's best.

    Args:
        space: all architectures.
        weights: predicted latency of each option, (m,).
    """
    kinds: dict[tuple[str, str], list[int]] = {}
    for place, option in enumerate(space.options):
        if option.operator != KEEP:
            kind = (option.operator, option.id.partition(":")[2])
            kinds.setdefault(kind, []).append(place)
    best: dict[str, tuple[float, str, Choice]] = {}
    for (operator, kind), places in kinds.items():
        choice, free = space.baseline(), 0
        for place in places:
            option = space.options[place]
            if option.first >= free:
                choice, free = space.with_option(choice, place), option.last + 1
        found = (float(choice @ weights), kind, choice)
        if operator not in best or found[0] < best[operator][0]:
            best[operator] = found
    return {kind: choice for _, kind, choice in best.values()}


def rows(
    oracle: LatencyOracle, named: dict[str, Choice], macs: Floats, base: float
) -> list[tuple[str, Reading, float, float]]:
    """Name, reading, milliseconds and share of the multiply-adds, fastest first."""
    space, found = oracle.space, []
    whole = macs[space.baseline()].sum()
    for name, choice in named.items():
        for reading in measured(oracle, choice[None], Said()):
            found.append((name, reading, base / reading.speed, float(macs[choice].sum() / whole)))
    return sorted(found, key=lambda row: row[2])


def one(name: str, seconds: float) -> tuple[list[Figure], dict[str, Any]]:
    """One network: replacements by themselves, then together."""
    with opened(name) as (oracle, _):
        space, base = oracle.space, oracle.baseline_ms()
        latency, macs, networks = modelled(oracle, seconds)
        alone = rows(oracle, everywhere(space, latency.weights), macs, base)
        together = {
            f"at least {share:.0%} of the multiply-adds": lean(space, latency.weights, macs, share)
            for share in KEPT
        }
        best = rows(oracle, together, macs, base)
    for title, table in (("one operator, wherever offered", alone), ("together", best)):
        show(
            f"{name}: {base:.2f} ms int8 as it is; {title}",
            ("what", "ms", "speed", "multiply-adds"),
            [(what, f"{ms:.2f}", f"{r.speed:.2f}x", f"{left:.0%}") for what, r, ms, left in table],
        )
    fastest = best[0]
    half = next(row for row in best if row[0].startswith("at least 50"))
    figures = [
        Figure(
            f"space_fastest/{name}",
            fastest[1].speed,
            f"{fastest[2]:.2f} ms of {base:.2f}, {fastest[1].speed:.2f}x",
            fastest[1].ci95,
        ),
        Figure(
            f"space_half/{name}",
            half[1].speed,
            f"{half[2]:.2f} ms of {base:.2f}, {half[1].speed:.2f}x",
            half[1].ci95,
        ),
    ]
    return figures, {
        "baseline_ms": base,
        "architectures": float(space.count()),
        "alone": [(what, r.speed, ms, left) for what, r, ms, left in alone],
        "together": [(what, r.speed, ms, left, r.options) for what, r, ms, left in best],
        "networks": networks,
        "leave_one_out": latency.error,
    }


def main() -> int:
    """Both networks, or the one that is named."""
    parser = options(__doc__ or "")
    parser.add_argument("--only", choices=NAMES, help="one of the networks")
    args = parser.parse_args()
    found = Outcome()
    for name in (args.only,) if args.only else NAMES:
        found.part(name, partial(one, name, QUICK_SECONDS if args.quick else SECONDS))
    return finish(__file__, args, found, suffix=f"_{args.only}" if args.only else "")


if __name__ == "__main__":
    sys.exit(main())
