"""The latency model on networks that it has not seen, beside FLOPs and parameters alone.

ResNet-50 and EfficientNet-B0 with random weights, at 224 pixels, compiled to int8 for this machine.
The model is made within a time limit from designed networks; then random architectures of the same
space are timed, and what it says of them is compared. Regressions on FLOPs and on parameters are
given the same networks to learn from.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _common import Figure, Outcome, finish, options, show
from _networks import efficientnet_b0, hugging_face
from numpy.typing import NDArray

from paretune.core import Model, ParetuneError
from paretune.data import Dataset, TensorSamples, materialise
from paretune.engine import LocalEngine, machine
from paretune.search import propose
from paretune.search.latency import LatencyOracle, Reading, design, fit
from paretune.search.space import Choice, Space
from paretune.store import Store

Floats = NDArray[np.float64]
#: Seconds to make a model in, and networks to hold it against.
SECONDS, UNSEEN = 600.0, 40
NAMES = ("resnet-50", "efficientnet-b0")
QUICK_SECONDS, QUICK_UNSEEN = 60.0, 5


def measured(
    oracle: LatencyOracle, choices: Choice, *, profile: bool, until: float
) -> list[Reading]:
    """Readings of these networks, in order, until the time is over."""
    found = []
    for choice in choices:
        if time.monotonic() > until:
            break
        try:
            found.append(oracle.measure(choice, profile=profile))
        except ParetuneError as error:
            print(f"    left out: {error}", file=sys.stderr)
    return found


def rank(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b)[0])


def by_cost(space: Space, readings: list[Reading], cost: Floats, unseen: list[Reading]) -> Floats:
    """What a straight line through the totals of one cost says of unseen networks."""
    known = np.array([space.of(r.options) @ cost for r in readings])
    line = np.polyfit(known, [1 / r.speed for r in readings], 1)
    return np.polyval(line, [space.of(r.options) @ cost for r in unseen])


def one(name: str, seconds: float, unseen: int) -> tuple[list[Figure], dict[str, Any]]:
    """Make and test the model of one network."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = efficientnet_b0() if name == "efficientnet-b0" else hugging_face(name, folder)
        return tested(name, model, folder, seconds, unseen)


def tested(
    name: str, model: Model, folder: Path, seconds: float, unseen: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Make a model from designed networks within the time, and hold it against unseen ones."""
    shape = model.inputs[0].concrete(1)[1:]
    x = np.random.default_rng(0).standard_normal((4, *shape)).astype("float32")
    every = np.arange(len(x))
    splits = {"train": every, "search": every, "holdout": every[:0]}
    samples = TensorSamples("random", {model.inputs[0].name: x})
    arrays = materialise(Dataset(samples, splits), "search", model, folder / "arrays")
    began = time.monotonic()
    proposals = propose(model, arrays)
    space = proposals.space
    with (
        Store.open(f"sqlite:///{folder}/store.sqlite") as store,
        LatencyOracle(
            model,
            proposals.blocks,
            space,
            arrays,
            target=machine.detect(),
            engine=LocalEngine(),
            store=store,
        ) as oracle,
    ):
        random = np.random.default_rng(1)
        rows = np.vstack([space.baseline(), design(space, 120, random)])
        readings = measured(oracle, rows, profile=True, until=began + seconds)
        costs = oracle.costs()
        found = fit(space, readings, costs)
        took = time.monotonic() - began
        held = measured(oracle, space.sample(random, unseen), profile=False, until=float("inf"))
    truth = np.array([1 / r.speed for r in held])
    said = found.predict(np.stack([space.of(r.options) for r in held]))
    macs, params = (np.array([costs[o.id][i] for o in space.options], dtype=float) for i in (0, 1))
    table: dict[str, Floats] = {
        "this model": said,
        "FLOPs": by_cost(space, readings, macs, held),
        "parameters": by_cost(space, readings, params, held),
    }
    off = {key: np.abs(value / truth - 1) for key, value in table.items()}
    show(
        f"{name}: {len(readings)} networks to learn from in {took:.0f} s, {len(held)} unseen",
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
        Figure(f"latency_seconds/{name}", took, f"{took:.0f} s, {len(readings)} networks"),
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
        "networks": len(readings),
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
