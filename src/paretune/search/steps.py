"""The steps of a search that take time: training the library, scoring, the finish."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, Progress
from paretune.search.choosing import KEEP_PICKS, Pick
from paretune.search.ground import Finalist, Ground
from paretune.search.journal import Journal
from paretune.search.latency import LatencyModel
from paretune.search.library import Library, Recipe
from paretune.search.proposals import Proposals
from paretune.search.prospect import prospect
from paretune.search.shares import JUDGE, LIBRARY
from paretune.search.space import Choice, Space
from paretune.search.worth import promising

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.finish import Standing

#: Process seconds, and steps, that training a single block's option is worth, whichever is over
#: first.
TRAIN_SECONDS, ENOUGH = 5.0, 400
#: Held-out samples that options are judged on as they inherit: it is for their order only.
JUDGED_ON = 128


def train_library(
    ground: Ground,
    proposals: Proposals,
    latency: LatencyModel,
    macs: NDArray[np.float64],
    worth: NDArray[np.bool_],
    journal: Journal,
    seconds: float,
) -> tuple[int, Library]:
    """Judge what is worth it as it inherits, and train what is promising then.

    Both take the options in order of their promise until their time is up; how far they came is
    written down.
    """

    def made(name: str, ids: list[str], share: float, each: float, recipe: Recipe) -> Library:
        def made_of(chosen: list[str]) -> Library:
            return Library.train(
                proposals,
                ground.train,
                search=ground.search,
                model_digest=ground.model.digest,
                engine=ground.engine,
                store=ground.store,
                seconds=seconds * share,
                options=chosen,
                each=each,
                seed=ground.seed,
                recipe=recipe,
                ledger=ground.ledger,
                progress=ground.progress,
            )

        def seen() -> list[str]:
            # A resumed search is to find the same; what a process died of it might be spared.
            entries = made_of(ids).entries
            lived = [one for one, entry in entries.items() if not entry.died]
            if not lived:
                reasons = dict.fromkeys(entry.reason for entry in entries.values())
                why = "; ".join(reasons) or "no network with one in it answers what is finite"
                raise InputError(f"no option that is faster on this machine could be built: {why}")
            return lived

        return made_of(journal.once(name, seen))

    space = proposals.space
    first = promising(space, latency.weights, 1 / (macs + 1), worth, evenly=True)
    early = Recipe(held_out=JUDGED_ON, scores=ground.scores)
    judged = made("judged", first, JUDGE, 0.0, early)
    second = promising(space, latency.weights, judged.swap_one(), worth)
    recipe = Recipe(enough=ENOUGH, scores=ground.scores)
    return len(judged.entries), made("trained", second, LIBRARY, TRAIN_SECONDS, recipe)


def score_compositions(
    library: Library,
    usable: NDArray[np.bool_],
    rows: Choice,
    seconds: float,
    told: Progress,
) -> tuple[Choice, NDArray[np.float64]]:
    """How far compositions of usable options, bool (n, k), diverge untrained: those in time, (n,).

    Those whose divergence is not finite are left out.
    """
    kl = library.score_untrained(widened(rows, usable), seconds=seconds, progress=told).kl
    good = np.isfinite(kl)
    return rows[good], kl[good]


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
    look: float,
) -> tuple[tuple[Finalist, ...], dict[str, Standing]]:
    """Train the picks whole by successive halving; what comes through, and how each came off.

    Args:
        ground: told what is spent and what happens.
        network: makes the network of an architecture.
        space: of the picks.
        picks: who is trained.
        seconds: of training and judging.
        look: seconds that judging one takes, about.
    """
    from paretune.search.finish import Recipe as Finish
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
            recipe=Finish(scores=ground.scores),
            score=ground.judge,
            promise=promise,
            seconds=max(seconds, 5.0),
            looking=look,
            keep=min(KEEP_PICKS, len(picks)),
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
