"""The search, step by step: blocks, latency model, library, surrogate, solver, finish."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import (
    InputError,
    Model,
    ParetuneError,
    Progress,
    SearchSummary,
    Target,
)
from paretune.data import ArrayFolder
from paretune.engine import Engine
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.blocks import find
from paretune.search.choosing import Pick, pick
from paretune.search.latency import LatencyModel, LatencyOracle, Reading, design, fit
from paretune.search.ledger import Ledger
from paretune.search.library import Library
from paretune.search.proposals import Proposals
from paretune.search.solve import reach
from paretune.search.space import KEEP, Choice
from paretune.search.story import point
from paretune.search.worth import faster, promising
from paretune.store import Store

if TYPE_CHECKING:
    from torch import nn

#: Shares of the search's time: latency model, judging options as they inherit, training them,
#: scoring compositions; the rest goes to the finish, which decides what comes out.
LATENCY, JUDGE, LIBRARY, COMPOSE = 0.12, 0.06, 0.22, 0.06
#: Process seconds that judging an option, and that training one, takes at least.
JUDGE_SECONDS, TRAIN_SECONDS = 1.5, 12.0
#: Seconds below which a search has no time to find anything.
FEWEST_SECONDS = 60.0
#: Whole networks timed for the latency model, at most; compositions scored, least and most.
MOST_NETWORKS, LEAST_SCORED, MOST_SCORED = 80, 16, 150
#: Samples of real inputs that blocks are built from, and bytes that their flow may take.
FLOW_SAMPLES, FLOW_BYTES = 64, 4e8


@dataclass(frozen=True)
class Finalist:
    """An architecture that came through to the end.

    Attributes:
        name: of the architecture, such as `net+s1`.
        module: trained, in eval mode.
        ids: its options, in order.
        speed: the baseline's latency over its own, both int8, as the search measured it.
    """

    name: str
    module: nn.Module
    ids: tuple[str, ...]
    speed: float


@dataclass(frozen=True)
class Found:
    """What a search comes back with; `finalists` best first, empty where nothing served."""

    finalists: tuple[Finalist, ...]
    summary: SearchSummary
    proposals: Proposals


@dataclass(frozen=True)
class Ground:
    """What a search stands on.

    Attributes:
        model: the baseline, with its module.
        train: inputs of the train split, all of them.
        search: inputs of the search split.
        judge: score of a module on the search split, higher is better.
        least: score that a finished network must have.
        most_ms: latency that a finished network may have, milliseconds.
        target, engine, store: where it must be fast, where work is done, what is remembered.
        checkpoints: folder for what a killed search goes on from.
        seed: of every choice.
        ledger: told what is spent.
        progress: told what happens.
    """

    model: Model
    train: ArrayFolder
    search: ArrayFolder
    judge: Callable[[nn.Module], float]
    least: float
    most_ms: float
    target: Target
    engine: Engine
    store: Store
    checkpoints: Path
    seed: int
    ledger: Ledger
    progress: Progress


def search(ground: Ground, *, seconds: float) -> Found:
    """Look for architectures that are faster than the baseline compiled to int8, and as good.

    Args:
        ground: model, data, machine.
        seconds: wall time for all of it.

    Raises:
        InputError: no block can be replaced, no option is faster, or the time is too short.
    """
    if seconds < FEWEST_SECONDS:
        raise InputError(
            f"{seconds:.0f} s are left for the search, and the smallest useful one needs "
            f"{FEWEST_SECONDS:.0f} s: give a larger --budget"
        )
    began = time.monotonic()
    model, told, ledger = ground.model, ground.progress, ground.ledger
    with ledger.stage("blocks"):
        proposals = propose(model, ground.train)
    whole = proposals.space
    told.note(
        f"{len(proposals.blocks)} blocks, {len(whole.options)} options, "
        f"{float(whole.count()):.1e} architectures"
    )
    random = np.random.default_rng(ground.seed)
    with LatencyOracle(
        model,
        proposals.blocks,
        whole,
        ground.search,
        target=ground.target,
        engine=ground.engine,
        store=ground.store,
    ) as oracle:
        with ledger.stage("latency"):
            readings, costs = _time_networks(oracle, proposals, random, seconds * LATENCY, told)
            latency = fit(whole, readings, costs)
        summary = SearchSummary(
            blocks=len(proposals.blocks),
            architectures=float(whole.count()),
            options=len(whole.options),
            worth=0,
            judged=0,
            trained=0,
            networks=len(readings),
            latency_error=latency.error,
            scored=0,
        )
        fastest = oracle.baseline_ms() * reach(whole, latency.weights, base=latency.intercept).low
        if fastest * (1 - 2 * latency.error) > ground.most_ms:
            told.note(
                f"no architecture of the space takes less than {fastest:.3g} ms, and "
                f"{ground.most_ms:.3g} are allowed: nothing is searched"
            )
            return Found((), summary, proposals)
        macs = np.array([costs[option.id][0] for option in whole.options], dtype=float)
        worth = faster(whole, latency.weights)
        if worth.sum() == len(proposals.blocks):
            raise InputError(
                "no option is faster on this machine than the block that it would replace, so "
                "there is nothing to search: use --effort quantize"
            )
        judged, trained = _train_library(ground, proposals, latency, macs, worth, seconds)
        usable = np.array([option.id in trained.entries for option in whole.options])
        usable &= np.isfinite(trained.swap_one())
        usable |= np.array([option.operator == KEEP for option in whole.options])
        space = whole.only(usable)
        latency = _restricted(latency, usable)
        oracle.space = space
        swap = trained.swap_one()[usable]
        with ledger.stage("surrogate"):
            surrogate, scored = _surrogate(
                trained, usable, swap, macs[usable], random, seconds * COMPOSE, told
            )
        with ledger.stage("solve"):
            picks = pick(space, latency, surrogate, oracle, told)
        points = [point(p, proposals, space, latency, swap, p.name) for p in picks]
        left = seconds - (time.monotonic() - began)
        finalists, scores = _finish(ground, trained, usable, picks, left)
    summary = summary.model_copy(
        update={
            "worth": int(worth.sum()),
            "judged": judged,
            "trained": sum(entry.steps > 0 for entry in trained.entries.values()),
            "scored": scored,
            "points": tuple(
                known.model_copy(update={"score": scores.get(known.architecture)})
                for known in points
            ),
        }
    )
    return Found(finalists, summary, proposals)


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
    feeds = arrays.feeds(0, arrays.n)

    def some(count: int) -> tuple[torch.Tensor, ...]:
        # Samples mostly lie in the order of their classes: they are taken from all over.
        rows = np.arange(count) * arrays.n // count
        return tuple(torch.from_numpy(np.array(feeds[spec.name][rows])) for spec in model.inputs)

    blocks = find(model.module, some(2))
    each = 4 * sum(math.prod(b.input_shape) + math.prod(b.output_shape) for b in blocks)
    count = int(max(4, min(arrays.n, FLOW_SAMPLES, FLOW_BYTES // each)))
    return Proposals(model.module, blocks, flows(model.module, blocks, some(count)))


def _time_networks(
    oracle: LatencyOracle,
    proposals: Proposals,
    random: np.random.Generator,
    seconds: float,
    told: Progress,
) -> tuple[list[Reading], dict[str, tuple[int, int]]]:
    """Readings of the baseline and of designed networks, as many as the time allows."""
    told.stage("time networks", MOST_NETWORKS)
    end = time.monotonic() + seconds
    readings = [oracle.measure(oracle.space.baseline(), profile=True)]
    for choice in design(oracle.space, MOST_NETWORKS, random):
        if time.monotonic() > end and len(readings) >= 8:
            break
        told.step(f"network {len(readings)}")
        try:
            readings.append(oracle.measure(choice, profile=True))
        except ParetuneError as error:
            told.note(f"a network cannot be timed and is left out: {error}")
    return readings, oracle.costs()


def _train_library(
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


def _restricted(latency: LatencyModel, usable: NDArray[np.bool_]) -> LatencyModel:
    return LatencyModel(latency.weights[usable], latency.intercept, latency.error, latency.profiled)


def _surrogate(
    library: Library,
    usable: NDArray[np.bool_],
    swap: NDArray[np.float64],
    macs: NDArray[np.float64],
    random: np.random.Generator,
    seconds: float,
    told: Progress,
) -> tuple[AccuracySurrogate, int]:
    """Fitted to swap-one scores and to compositions scored without further training."""
    whole = library.space
    space = whole.only(usable)
    # Compositions that lose little are the ones that will be chosen from, so most are drawn there.
    weights = np.exp(-swap / max(float(np.median(swap[swap > 0])) if (swap > 0).any() else 1, 1e-9))
    rows = np.unique(space.sample(random, 4 * MOST_SCORED, np.maximum(weights, 1e-3)), axis=0)
    rows = rows[random.permutation(len(rows))]
    end = time.monotonic() + seconds
    kl: list[float] = []
    size = LEAST_SCORED
    while len(kl) < min(MOST_SCORED, len(rows)) and (not kl or time.monotonic() < end):
        part = rows[len(kl) : len(kl) + size]
        kl += library.score_untrained(_widened(part, usable), progress=told).kl.tolist()
    good = np.isfinite(kl)
    measured = (rows[: len(kl)][good], np.array(kl)[good])
    surrogate = AccuracySurrogate.fit(space, swap_one=swap, untrained=measured, costs=macs, seed=0)
    return surrogate, int(good.sum())


def _widened(choices: Choice, usable: NDArray[np.bool_]) -> Choice:
    """Choices over some options as choices over all of them, bool (n, m)."""
    rows = np.atleast_2d(choices)
    wide = np.zeros((len(rows), len(usable)), dtype=bool)
    wide[:, usable] = rows
    return wide


def _finish(
    ground: Ground,
    library: Library,
    usable: NDArray[np.bool_],
    picks: list[Pick],
    seconds: float,
) -> tuple[tuple[Finalist, ...], dict[str, float]]:
    """Train the picks whole by successive halving; what comes through, and every last score."""
    from paretune.search.finish import halve

    if not picks:
        return (), {}
    with ground.ledger.stage("finish"):
        candidates = {p.name: library.network(_widened(p.choice, usable)[0]) for p in picks}
        speed = {id(candidates[p.name]): p.speed for p in picks}
        last: dict[int, float] = {}

        def score(module: nn.Module) -> float:
            value = ground.judge(module)
            last[id(module)] = value
            # Who is good enough is ranked by speed, the others behind by what they lack.
            lacking = ground.least - value
            return math.log(speed[id(module)]) if lacking <= 0 else -100 * lacking

        halving = halve(
            candidates,
            ground.model.module,
            ground.train,
            score=score,
            seconds=max(seconds, 5.0),
            keep=min(2, len(picks)),
            seed=ground.seed,
            ledger=ground.ledger,
            checkpoints=ground.checkpoints,
            progress=ground.progress,
        )
    by_name = {p.name: p for p in picks}
    ids = {
        p.name: tuple(o.id for o in library.space.chosen(_widened(p.choice, usable)[0]))
        for p in picks
    }
    finalists = tuple(
        Finalist(name, module, ids[name], by_name[name].speed)
        for name, module in halving.finished.items()
    )
    scores = {n: last[id(m)] for n, m in candidates.items() if id(m) in last}
    return finalists, scores
