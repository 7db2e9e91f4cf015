"""Everything that architectures are chosen by: what a search knows before it chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, Ranked
from paretune.search.accuracy import FEWEST, AccuracySurrogate
from paretune.search.draw import evenly
from paretune.search.ground import Ground
from paretune.search.journal import Journal
from paretune.search.latency import (
    LatencyModel,
    LatencyOracle,
    Reading,
    fit,
    least_seconds,
    time_networks,
)
from paretune.search.library import Library
from paretune.search.proposals import Proposals
from paretune.search.shares import COMPOSE, LATENCY
from paretune.search.space import KEEP, Choice, Space
from paretune.search.steps import score_compositions, train_library, widened
from paretune.search.worth import faster

if TYPE_CHECKING:
    from torch import nn

#: Designed networks that are timed for the latency model, and compositions scored, at most.
NETWORKS, COMPOSITIONS = 80, 150
#: Share of a search that timing the fewest networks may take.
TIMING = 0.5


@dataclass(frozen=True)
class Timed:
    """What is known of the latency of a space.

    Attributes:
        readings: networks that were measured.
        latency: fitted to them.
        macs: multiply-accumulates of every option, float (m,).
        baseline_ms: of the baseline compiled to int8, milliseconds.
    """

    readings: tuple[Reading, ...]
    latency: LatencyModel
    macs: NDArray[np.float64]
    baseline_ms: float


@dataclass(frozen=True)
class Prepared:
    """A trained library, and models of time and loss over what can be made of it.

    Attributes:
        library: over the whole space.
        usable: which of its options a network can be made of, bool (m,).
        space: of those options alone; everything below is over it.
        latency: predicts time relative to the baseline's.
        surrogate: predicts divergence from the baseline, nats.
        swap: divergence with each option alone put in, float (k,).
        macs: multiply-accumulates of every option, float (k,).
        untrained: compositions that were scored, bool (n, k), and their divergence, (n,).
        judged: how many were judged as they inherit.
        ranked: how well the surrogate ranks the compositions that were scored.
    """

    library: Library
    usable: NDArray[np.bool_]
    space: Space
    latency: LatencyModel
    surrogate: AccuracySurrogate
    swap: NDArray[np.float64]
    macs: NDArray[np.float64]
    untrained: tuple[Choice, NDArray[np.float64]]
    judged: int
    ranked: Ranked | None

    def network(self, choice: Choice) -> nn.Module:
        """The network of an architecture of `space`, bool (k,), as its pieces were trained."""
        return self.library.network(widened(choice, self.usable)[0])


def oracle_of(ground: Ground, proposals: Proposals) -> LatencyOracle:
    """What measures architectures of the whole space: a context manager."""
    return LatencyOracle(
        ground.model,
        proposals.blocks,
        proposals.space,
        ground.search,
        target=ground.target,
        engine=ground.engine,
        store=ground.store,
        settings=ground.settings,
        folder=ground.checkpoints / "latency",
    )


def time_space(
    ground: Ground, proposals: Proposals, oracle: LatencyOracle, journal: Journal, seconds: float
) -> Timed:
    """Measure designed networks and fit the latency model.

    Args:
        ground: told what is spent and what happens.
        proposals: the whole space.
        oracle: measures.
        journal: which networks there was time for, and what the baseline took.
        seconds: of the whole search.

    Raises:
        InputError: the network is too slow to be timed often enough.
    """

    def measured() -> list[dict[str, Any]]:
        found = time_networks(
            oracle, ground.progress, seed=ground.seed, most=NETWORKS, seconds=seconds * LATENCY
        )
        return [reading.model_dump() for reading in found]

    with ground.ledger.stage("latency"):
        base = journal.once("baseline_ms", oracle.baseline_ms)
        least = least_seconds(base)
        if least > TIMING * seconds:
            raise InputError(
                f"one call of the baseline takes {base:.0f} ms, so timing the few networks that a "
                f"search needs takes {least:.0f} s of its {seconds:.0f}: give it a --budget of "
                f"{2 * least / 60:.0f} min more than compiling takes"
            )
        known = journal.once("readings", measured)
        readings = tuple(Reading.model_validate(reading) for reading in known)
        costs = oracle.costs()
        latency = fit(proposals.space, readings, costs)
        if not latency.profiled:
            ground.progress.note(
                "no network's time could be told apart by its blocks: the latency model rests on "
                "whole networks and on what blocks compute"
            )
    macs = np.array([costs[option.id][0] for option in proposals.space.options], dtype=float)
    return Timed(readings, latency, macs, base)


def prepare(
    ground: Ground, proposals: Proposals, timed: Timed, journal: Journal, seconds: float
) -> Prepared:
    """Judge and train the library, score compositions, fit the surrogate.

    Args:
        ground: model, data, machine.
        proposals: the whole space.
        timed: its latency.
        journal: which options and compositions there was time for.
        seconds: of the whole search.

    Raises:
        InputError: no option is faster than what it replaces.
    """
    whole = proposals.space
    worth = faster(whole, timed.latency.weights)
    if worth.sum() == len(proposals.blocks):
        raise InputError(
            "no option is faster on this machine than the block that it would replace, so "
            "there is nothing to search: use --effort quantize"
        )
    judged, library = train_library(
        ground, proposals, timed.latency, timed.macs, worth, journal, seconds
    )
    swapped = library.swap_one()
    usable = np.array([option.id in library.entries for option in whole.options])
    usable &= np.isfinite(swapped)
    usable |= np.array([option.operator == KEEP for option in whole.options])
    swap, macs, space = swapped[usable], timed.macs[usable], whole.only(usable)
    latency = replace(timed.latency, weights=timed.latency.weights[usable])

    def scored() -> list[tuple[list[str], float]]:
        random = np.random.default_rng([ground.seed, 1])
        drawn = evenly(space, COMPOSITIONS, swap, latency, random)
        rows, kl = score_compositions(library, usable, drawn, seconds * COMPOSE, ground.progress)
        ids = [[option.id for option in space.chosen(row)] for row in rows]
        return list(zip(ids, kl.tolist(), strict=True))

    with ground.ledger.stage("surrogate"):
        known = journal.once("compositions", scored)
        rows = np.array([space.of(ids) for ids, _ in known], dtype=bool)
        untrained = rows.reshape(-1, len(space.options)), np.array([kl for _, kl in known])
        # A space of a block or two may not hold enough different ones to learn from.
        enough = len(np.unique(untrained[0], axis=0)) >= FEWEST
        if not enough:
            ground.progress.note(
                f"{len(known)} compositions could be scored, too few to learn from: what networks "
                "will lack is predicted from single options alone"
            )
        surrogate = AccuracySurrogate.fit(
            space,
            swap_one=swap,
            untrained=untrained if enough else None,
            costs=macs,
            seed=ground.seed,
        )
    return Prepared(
        library=library,
        usable=usable,
        space=space,
        latency=latency,
        surrogate=surrogate,
        swap=swap,
        macs=macs,
        untrained=untrained,
        judged=judged,
        ranked=_ranked(surrogate),
    )


def _ranked(surrogate: AccuracySurrogate) -> Ranked | None:
    fidelities = surrogate.report().fidelities
    if not fidelities:
        return None
    top = fidelities[-1]
    return Ranked(
        surrogate=top.spearman,
        additive=top.additive,
        macs=top.costs["costs"],
        covered=top.coverage,
    )
