"""The latency model on networks that it has not seen, beside FLOPs and parameters alone.

ResNet-50 and EfficientNet-B0 with random weights, at 224 pixels, compiled to int8 for this machine.
The model is made within a time limit from designed networks; then random architectures of the same
space are timed, and what it says of them is compared. Regressions on FLOPs and on parameters are
given the same networks to learn from.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import numpy as np
from _common import Figure, Outcome, Said, finish, options, show
from _space import opened
from numpy.typing import NDArray

from paretune.search.latency import Reading, fit, measured, time_networks
from paretune.search.space import Space

Floats = NDArray[np.float64]
#: Seconds to make a model in, and networks to hold it against.
SECONDS, UNSEEN = 600.0, 40
NAMES = ("resnet-50", "efficientnet-b0")
QUICK_SECONDS, QUICK_UNSEEN = 60.0, 5


def rank(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b)[0])


def by_cost(space: Space, known: list[Reading], cost: Floats, unseen: list[Reading]) -> Floats:
    """What a straight line through the totals of one cost says of unseen networks."""
    totals = np.array([space.of(r.options) @ cost for r in known])
    line = np.polyfit(totals, [1 / r.speed for r in known], 1)
    return np.polyval(line, [space.of(r.options) @ cost for r in unseen])


def one(name: str, seconds: float, unseen: int) -> tuple[list[Figure], dict[str, Any]]:
    """Make a model from designed networks within the time, and hold it against unseen ones."""
    began = time.monotonic()
    with opened(name) as (oracle, _):
        space = oracle.space
        costs = oracle.costs()
        # What is left over lets the last network end in time.
        left = 0.95 * seconds - (time.monotonic() - began)
        known = time_networks(oracle, Said(), seed=1, most=120, seconds=left)
        found = fit(space, known, costs)
        took = time.monotonic() - began
        held = measured(oracle, space.sample(np.random.default_rng(2), unseen), Said())
    truth = np.array([1 / r.speed for r in held])
    said = found.predict(np.stack([space.of(r.options) for r in held]))
    macs, params = (np.array([costs[o.id][i] for o in space.options], dtype=float) for i in (0, 1))
    table: dict[str, Floats] = {
        "this model": said,
        "FLOPs": by_cost(space, known, macs, held),
        "parameters": by_cost(space, known, params, held),
    }
    off = {key: np.abs(value / truth - 1) for key, value in table.items()}
    show(
        f"{name}: {len(known)} networks to learn from in {took:.0f} s, {len(held)} unseen",
        ("by", "mean error", "within 10 %", "Spearman"),
        [
            (key, f"{off[key].mean():.1%}", f"{(off[key] < 0.1).mean():.0%}",
             f"{rank(value, truth):.3f}")
            for key, value in table.items()
        ],
    )  # fmt: skip
    error = off["this model"]
    figures = [
        Figure(f"latency_error/{name}", float(error.mean()), f"{error.mean():.1%}"),
        Figure(
            f"latency_within/{name}", float((error < 0.1).mean()), f"{(error < 0.1).mean():.0%}"
        ),
        Figure(f"latency_rank/{name}", rank(said, truth), f"{rank(said, truth):.3f}"),
        Figure(f"latency_seconds/{name}", took, f"{took:.0f} s, {len(known)} networks"),
        Figure(
            f"latency_flops/{name}",
            float(off["FLOPs"].mean()),
            f"{off['FLOPs'].mean():.1%}, Spearman {rank(table['FLOPs'], truth):.3f}",
        ),
    ]
    return figures, {
        "truth": truth.tolist(),
        "predicted": {key: list(value) for key, value in table.items()},
        "leave_one_out": found.error,
        "networks": len(known),
        "options": len(space.options),
    }


def main() -> int:
    """Both networks, or the one that is named."""
    parser = options(__doc__ or "")
    parser.add_argument("--only", choices=NAMES, help="one of the networks")
    args = parser.parse_args()
    seconds, unseen = (QUICK_SECONDS, QUICK_UNSEEN) if args.quick else (SECONDS, UNSEEN)
    found = Outcome()
    for name in (args.only,) if args.only else NAMES:
        found.part(name, partial(one, name, seconds, unseen))
    return finish(__file__, args, found, suffix=f"_{args.only}" if args.only else "")


if __name__ == "__main__":
    sys.exit(main())
