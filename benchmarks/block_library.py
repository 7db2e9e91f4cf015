"""The block library of ResNet-56 on CIFAR-10 (JPEG): how many candidates, how much better.

Candidates are chosen as a search would want them: a third merges of whole stages, halves and
thirds into basic blocks of several widths, a third single blocks at half their width, a third of
other kinds.
Beside the gates, networks composed of them at random are scored before any further training, with
BatchNorm statistics as trained and re-estimated.

`--minutes` changes the time, `--drift` the share of inputs from replaced blocks, `--depth` the
network; `--steps` trains each candidate for so many steps instead, which shows what drift buys on
a busy machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from typing import Any

import _cifar
import numpy as np
import train_baselines
from _common import Figure, Outcome, Said, finish, options

from paretune.engine import LocalEngine
from paretune.search import KEEP, Option, Space
from paretune.search.ledger import Ledger
from paretune.search.library import Library, Recipe
from paretune.store import Store

MINUTES = 15.0
CANDIDATES = 66
#: Random networks that are scored.
NETWORKS = 40


def chosen(space: Space, n: int, random: np.random.Generator) -> list[Option]:
    """About a third each: merges to basic blocks, basic blocks at half the width, other kinds.

    A third of the merges, the longest, come at every width; the rest is drawn.
    """
    basic = [o for o in space.options if o.operator == "basic"]
    merged = sorted((o for o in basic if o.span > 1), key=lambda o: (-o.span, o.first))
    narrow = [o for o in basic if o.span == 1 and o.params["width"] == 0.5]
    others = [o for o in space.options if o.operator not in (KEEP, "skip", "basic")]
    share = n // 3
    sure = merged[: share // 3]
    picked = sure + _drawn(merged[len(sure) :], share - len(sure), random)
    picked += _drawn(narrow, share, random)
    return picked + _drawn(others, n - len(picked), random)


def _drawn(among: list[Option], n: int, random: np.random.Generator) -> list[Option]:
    places = random.choice(len(among), min(n, len(among)), replace=False)
    return [among[place] for place in sorted(places)]


def networks(
    space: Space, usable: np.ndarray[Any, Any], n: int, random: np.random.Generator
) -> np.ndarray[Any, Any]:
    """Random networks of usable options in which about half of the blocks are kept, bool (n, m)."""
    weights = np.where(usable, 1.0, 1e-12)
    for place, option in enumerate(space.options):
        if option.operator == KEEP:
            weights[place] = max(1.0, float(usable[list(space.starting[option.first])].sum() - 1))
    return space.sample(random, n, weights)


def measure(args: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    """Train the library in a store that remembers nothing, then score networks."""
    found = _cifar.task(args.depth, train_baselines.resnet(args.depth, said=Said().note))
    space = found.proposals.space
    random = np.random.default_rng(0)
    wanted = chosen(space, args.candidates, random)
    ledger = Ledger()
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/s") as store:
        begun = time.perf_counter()
        library = Library.train(
            found.proposals,
            found.train,
            search=found.search,
            model_digest=found.model.digest,
            engine=LocalEngine(),
            store=store,
            seconds=args.minutes * 60,
            options=[option.id for option in wanted],
            seed=args.seed,
            recipe=Recipe(drift=args.drift, rate=args.rate, steps=args.steps),
            ledger=ledger,
            progress=Said(),
        )
        took = time.perf_counter() - begun
        choices = networks(space, library.usable(), args.networks, random)
        settled = library.score_untrained(choices, progress=Said())
        stale = library.score_untrained(choices, settle=False, progress=Said())
        for entry in library.entries.values():
            if entry.weights is not None:
                entry.weights.unlink()
    entries = list(library.entries.values())
    trained = [entry for entry in entries if entry.steps]
    better = sum(entry.improved for entry in trained)
    share = better / max(len(trained), 1)
    ratio = np.median([e.error_after / e.error_before for e in trained if e.error_before > 0])
    within = len(trained) if took <= MINUTES * 60 * 1.02 else 0
    figures = [
        Figure(
            "library_candidates", within, f"{len(trained)} of {len(entries)} in {took / 60:.1f} min"
        ),
        Figure("library_better", share, f"{better} of {len(trained)}"),
        Figure("library_error", float(ratio), f"{ratio:.2f}x"),
        Figure(
            "library_composed",
            float(np.nanmedian(settled.kl)),
            f"{np.nanmedian(settled.kl):.3f} nats (statistics as trained: "
            f"{np.nanmedian(stale.kl):.3f})",
        ),
    ]
    assert settled.accuracy is not None
    assert stale.accuracy is not None
    return figures, {
        "seconds": took,
        "entries": [entry.model_dump(mode="json", exclude={"weights"}) for entry in entries],
        "networks": [space.name(choice) for choice in choices],
        "kl_settled": settled.kl.tolist(),
        "kl_as_trained": stale.kl.tolist(),
        "accuracy_settled": settled.accuracy.tolist(),
        "accuracy_as_trained": stale.accuracy.tolist(),
        "ledger": ledger.summary().model_dump(mode="json"),
    }


def main() -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--networks", type=int, default=NETWORKS)
    parser.add_argument("--drift", type=float, default=Recipe().drift)
    parser.add_argument("--rate", type=float, default=Recipe().rate)
    parser.add_argument("--steps", type=int, help="of each round")
    parser.add_argument("--depth", type=int, default=56, choices=sorted(_cifar.CHECKPOINTS))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.quick:
        args.minutes, args.candidates, args.networks = min(args.minutes, 0.5), 6, 4
    outcome = Outcome()
    outcome.part("block library", lambda: measure(args))
    given = (args.minutes, args.depth, args.drift, args.steps)
    trial = given != (MINUTES, 56, Recipe().drift, None)
    return finish(__file__, args, outcome, trial=trial)


if __name__ == "__main__":
    sys.exit(main())
