"""The steps of a search that take time: training the library, scoring, the finish."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import Progress
from paretune.search.choosing import Pick
from paretune.search.ground import Finalist, Ground
from paretune.search.latency import LatencyModel
from paretune.search.library import Library
from paretune.search.proposals import Proposals
from paretune.search.prospect import prospect
from paretune.search.space import KEEP, Choice, Space
from paretune.search.worth import promising

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.finish import Standing

#: Shares of the search's time: judging options as they inherit, and training them.
JUDGE, LIBRARY = 0.06, 0.14
#: Process seconds that judging an option takes at least, and that training one is worth: with two
#: or three times as many steps, pieces of ResNet-56 came out within 5 % of the error.
JUDGE_SECONDS, TRAIN_SECONDS = 1.5, 8.0
#: Compositions scored, least and most.
LEAST_SCORED, MOST_SCORED = 16, 150


def train_library(
    ground: Ground,
    proposals: Proposals,
    latency: LatencyModel,
    macs: NDArray[np.float64],
    worth: NDArray[np.bool_],
    seconds: float,
) -> tuple[int, Library]:
    """Judge what is worth it as it inherits, and train what is promising then."""
    space, cores = proposals.space, ground.target.usable_cores

    def train(wanted: NDArray[np.bool_], share: float, priority: float) -> Library:
        ids = [
            option.id
            for option, use in zip(space.options, wanted, strict=True)
            if use and option.operator != KEEP
        ]
        return Library.train(
            proposals,
            ground.train,
            search=ground.search,
            model_digest=ground.model.digest,
            engine=ground.engine,
            store=ground.store,
            seconds=seconds * share,
            options=ids,
            priorities=None if priority else dict.fromkeys(ids, 0.0),
            seed=ground.seed,
            ledger=ground.ledger,
            progress=ground.progress,
        )

    many = max(8, int(seconds * JUDGE * cores / JUDGE_SECONDS))
    first = promising(space, latency.weights, 1 / (macs + 1), worth, many)
    judged = train(first, JUDGE, 0.0)
    few = max(4, int(seconds * LIBRARY * cores / TRAIN_SECONDS))
    second = promising(space, latency.weights, judged.swap_one(), first, few)
    return int(first.sum()) - len(proposals.blocks), train(second, LIBRARY, 1.0)


def score_compositions(
    library: Library,
    usable: NDArray[np.bool_],
    swap: NDArray[np.float64],
    random: np.random.Generator,
    seconds: float,
    told: Progress,
) -> tuple[Choice, NDArray[np.float64]]:
    """Compositions of usable options, bool (n, k), and how far they diverge untrained, (n,)."""
    whole = library.space
    space = whole.only(usable)
    rows = np.unique(space.sample(random, 4 * MOST_SCORED, leaning(swap)), axis=0)
    rows = rows[random.permutation(len(rows))]
    end = time.monotonic() + seconds
    kl: list[float] = []
    size = LEAST_SCORED
    while len(kl) < min(MOST_SCORED, len(rows)) and (not kl or time.monotonic() < end):
        part = rows[len(kl) : len(kl) + size]
        kl += library.score_untrained(widened(part, usable), progress=told).kl.tolist()
    good = np.isfinite(kl)
    return rows[: len(kl)][good], np.array(kl)[good]


def leaning(swap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights to draw compositions by, (k,): those that lose little will be chosen from."""
    middle = float(np.median(swap[swap > 0])) if (swap > 0).any() else 1
    return np.maximum(np.exp(-swap / max(middle, 1e-9)), 1e-3)


def widened(choices: Choice, usable: NDArray[np.bool_]) -> Choice:
    """Choices over some options as choices over all of them, bool (n, m)."""
    rows = np.atleast_2d(choices)
    wide = np.zeros((len(rows), len(usable)), dtype=bool)
    wide[:, usable] = rows
    return wide


def train_whole(
    ground: Ground,
    network: Callable[[Choice], nn.Module],
    space: Space,
    picks: list[Pick],
    seconds: float,
) -> tuple[tuple[Finalist, ...], dict[str, Standing]]:
    """Train the picks whole by successive halving; what comes through, and how each came off."""
    from paretune.search.finish import halve

    if not picks:
        return (), {}
    by_name = {p.name: p for p in picks}
    with ground.ledger.stage("finish"):
        candidates = {p.name: network(space.of(p.ids)) for p in picks}

        def promise(name: str, score: float, growth: float) -> float:
            own, least = ground.own, ground.least
            return prospect(by_name[name].speed, score, growth, own=own, least=least)

        halving = halve(
            candidates,
            ground.model.module,
            ground.train,
            score=ground.judge,
            promise=promise,
            seconds=max(seconds, 5.0),
            keep=min(2, len(picks)),
            seed=ground.seed,
            ledger=ground.ledger,
            checkpoints=ground.checkpoints,
            progress=ground.progress,
        )
    finalists = tuple(
        Finalist(name, module, by_name[name].ids, by_name[name].speed)
        for name, module in halving.finished.items()
    )
    return finalists, {standing.name: standing for standing in halving.ranking}
