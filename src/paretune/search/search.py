"""The search, step by step: blocks, latency model, library, surrogate, solver, finish."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from paretune.core import InputError, Model, SearchSummary
from paretune.data import ArrayFolder
from paretune.search.blocks import EXAMPLES, find
from paretune.search.choosing import LEAST_SPEED, Pick, most_picks, pick
from paretune.search.ends import fastest
from paretune.search.finish.recipe import FEWEST_NORM, Recipe
from paretune.search.ground import Found, Ground
from paretune.search.journal import Journal
from paretune.search.prepare import oracle_of, prepare, time_space
from paretune.search.proposals import Proposals
from paretune.search.shares import STEP, pass_seconds, planned
from paretune.search.steps import train_whole
from paretune.search.story import point, trained_point
from paretune.search.worth import faster

#: Seconds below which a search has no time to find anything.
FEWEST_SECONDS = 60.0
#: Name in the journal of the seconds that a search was begun with.
TIME = "time"
#: Passes of a sample that a rung of the finish takes at least: for statistics, and for one step.
LEAST_TRAINED = Recipe().batch * (FEWEST_NORM + STEP)
#: Samples of real inputs that blocks are built from, a number that hardly any other axis has, and
#: bytes that their flow may take.
FLOW_SAMPLES, FLOW_BYTES = 61, 4e8


def search(ground: Ground, *, seconds: float) -> Found:
    """Look for architectures that are faster than the baseline compiled to int8, and as good.

    Args:
        ground: model, data, machine.
        seconds: wall time for all of it; a resumed search has what it was begun with.

    Raises:
        InputError: no block can be replaced, no option is faster, or the time is too short.
    """
    journal = Journal(ground.checkpoints)
    if TIME not in journal and seconds < FEWEST_SECONDS:
        raise InputError(
            f"{seconds:.0f} s are left for the search, and the smallest useful one needs "
            f"{FEWEST_SECONDS:.0f} s: give a larger --budget"
        )
    seconds = journal.once(TIME, lambda: float(seconds))
    model, told, ledger = ground.model, ground.progress, ground.ledger
    # What a killed process of this search has spent is gone.
    before = sum(cost.wall_s for cost in ledger.summary().stages.values())
    began = time.monotonic() - before
    with ledger.stage("blocks"):
        proposals = propose(model, ground.train)
    whole = proposals.space
    told.note(
        f"{len(proposals.blocks)} blocks, {len(whole.options)} options, "
        f"{float(whole.count()):.1e} architectures"
    )
    # Shares of rounded seconds, so that another run finds what this one has trained.
    shared = journal.once(
        "seconds", lambda: _rounded(planned(seconds, STEP * pass_seconds(model, ground.train)))
    )
    with oracle_of(ground, proposals) as oracle:
        timed = time_space(ground, proposals, oracle, journal, shared)
        latency, base = timed.latency, timed.baseline_ms
        summary = SearchSummary(
            blocks=len(proposals.blocks),
            architectures=float(whole.count()),
            options=len(whole.options),
            worth=int(faster(whole, latency.weights).sum()) - len(proposals.blocks),
            judged=0,
            trained=0,
            networks=len(timed.readings),
            latency_error=latency.error,
            scored=0,
        )
        if ground.most_ms < math.inf:
            with ledger.stage("latency"):
                least_ms = journal.once(
                    "fastest_ms", lambda: base * fastest(oracle, latency, timed.readings, told)
                )
            if least_ms * (1 - 2 * latency.error) > ground.most_ms:
                return Found(
                    (),
                    summary,
                    proposals,
                    f"the fastest architecture in reach takes {least_ms:.3g} ms, and "
                    f"{ground.most_ms:.3g} ms are allowed: nothing is searched",
                )
        ready = prepare(ground, proposals, timed, journal, shared)
        oracle.space = ready.space
        look = journal.once("judging", lambda: pass_seconds(model, ground.search))

        def picked() -> list[dict[str, Any]]:
            known = (ready.space, ready.latency, ready.surrogate)
            left = seconds - (time.monotonic() - began)
            least = max(LEAST_SPEED, base / ground.most_ms, ground.least_speed)
            most = most_picks(left, look + LEAST_TRAINED * look / ground.search.n)
            found = pick(*known, oracle, told, left, most=most, least=least, seed=ground.seed)
            return [one.model_dump() for one in found]

        with ledger.stage("solve"):
            found = journal.once("picks", picked)
    picks = [Pick.model_validate(one) for one in found]
    points = [point(p, proposals, ready.space, ready.latency, ready.swap, p.name) for p in picks]
    left = journal.once("finish", lambda: seconds - (time.monotonic() - began))
    finalists, standings = train_whole(ground, ready.network, ready.space, picks, left, look)
    summary = summary.model_copy(
        update={
            "judged": ready.judged,
            "trained": sum(entry.steps > 0 for entry in ready.library.entries.values()),
            "scored": len(ready.untrained[1]),
            "ranked": ready.ranked,
            "points": tuple(
                trained_point(known, standings[known.architecture]) for known in points
            ),
        }
    )
    return Found(finalists, summary, proposals, "" if finalists else _nothing(summary))


def _nothing(summary: SearchSummary) -> str:
    """Why a search that came to its end has no finalist."""
    if not summary.points:
        return f"no architecture is both predicted and timed to be {LEAST_SPEED:g}x as fast"
    reasons = dict.fromkeys(point.reason for point in summary.points if point.reason)
    return f"none of {len(summary.points)} architectures could be trained: {'; '.join(reasons)}"


def _rounded(seconds: float) -> float:
    """Down to two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return unit * math.floor(seconds / unit)


def propose(model: Model, arrays: ArrayFolder) -> Proposals:
    """The blocks of a model and all that they may become.

    Raises:
        InputError: the model is no PyTorch module, or none of its blocks can be replaced.
    """
    import torch

    from paretune.search.network.site import flows

    if model.module is None:
        raise InputError(
            f"{model.name} came as a file, and a search changes PyTorch modules: give the module, "
            "or use --effort quantize"
        )

    def some(count: int) -> tuple[torch.Tensor, ...]:
        # Samples mostly lie in the order of their classes: they are taken from all over.
        return arrays.tensors(np.arange(count) * arrays.n // count)

    blocks = find(model.module, some(EXAMPLES))
    each = 4 * sum(math.prod(b.input_shape) + math.prod(b.output_shape) for b in blocks)
    count = int(max(4, min(arrays.n, FLOW_SAMPLES, FLOW_BYTES // each)))
    return Proposals(model.module, blocks, flows(model.module, blocks, some(count)))
