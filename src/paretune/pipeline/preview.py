"""What a search could reach, told before it spends anything but a few minutes of timing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paretune.core import Constraint, Model, Preprocessing, Progress, Silent
from paretune.data import Dataset
from paretune.engine import Engine, LocalEngine
from paretune.pipeline.asked_speed import LATENCIES
from paretune.pipeline.dry_run import SearchPlan
from paretune.pipeline.intake import Intake, bring_in
from paretune.pipeline.request import Request
from paretune.store import Store

if TYPE_CHECKING:
    from paretune.search.proposals import Proposals

#: Networks timed, and seconds after which no further one is begun.
NETWORKS, SECONDS = 24, 90.0
#: Random architectures that the middle is taken from.
SAMPLED = 400


def preview(
    model: str | Path | Model | Any,
    data: str | Path | Dataset | Any,
    request: Request,
    *,
    preprocessing: Preprocessing | str | None = None,
    input_shape: Sequence[int] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> SearchPlan:
    """Find the blocks, time a few networks, and tell what can be reached.

    What is timed is remembered, so that the search itself need not time it again.

    Args:
        model, data, request, preprocessing, input_shape: as `bring_in`.
        progress: told what happens.
        engine: where compiling and timing happen.
        store: where measurements are remembered; the user's own by default.

    Raises:
        InputError: the request cannot be served, or no block can be replaced.
    """
    intake = bring_in(model, data, request, preprocessing=preprocessing, input_shape=input_shape)
    with nullcontext(store) if store is not None else Store.open() as shelf:
        return _preview(intake, engine or LocalEngine(), shelf, progress or Silent())


def _preview(intake: Intake, engine: Engine, store: Store, progress: Progress) -> SearchPlan:
    from paretune.search import propose
    from paretune.search.ends import fastest, timed
    from paretune.search.latency import LatencyOracle, fit, time_networks
    from paretune.search.solve import reach

    model, target = intake.model, intake.target
    arrays = intake.arrays("search", progress)
    proposals = propose(model, intake.arrays("train", progress))
    space = proposals.space
    with LatencyOracle(
        model,
        proposals.blocks,
        space,
        arrays,
        target=target,
        engine=engine,
        store=store,
        settings=intake.request.search_settings(target),
    ) as oracle:
        readings = time_networks(
            oracle, progress, seed=intake.request.seed, most=NETWORKS, seconds=SECONDS
        )
        latency = fit(space, readings, oracle.costs())
        base = oracle.baseline_ms()
        low = fastest(oracle, latency, readings, progress)
        rows = space.sample(np.random.default_rng(0), SAMPLED)
        typical = rows[np.argsort(latency.predict(rows))[SAMPLED // 2]]
        middle = max(low, timed(oracle, latency, typical, progress))
        slowest = reach(space, latency.weights).greatest
        high = max(
            timed(oracle, latency, slowest, progress), middle, *(1 / one.speed for one in readings)
        )
    return SearchPlan(
        blocks=_blocks(proposals),
        architectures=float(space.count()),
        baseline_ms=base,
        fastest_ms=base * low,
        middle_ms=base * middle,
        slowest_ms=base * high,
        error=latency.error,
        constraints=tuple(_within(c, base * low) for c in intake.constraints),
    )


def _blocks(proposals: Proposals) -> tuple[str, ...]:
    counts = [0] * len(proposals.blocks)
    for option in proposals.space.options:
        for block in range(option.first, option.last + 1):
            counts[block] += 1
    return tuple(
        f"{b.name} {b.kind} {_shape(b.input_shape)} -> {_shape(b.output_shape)}, "
        f"{b.macs / 1e6:.2f} M multiply-adds, {count} options"
        for b, count in zip(proposals.blocks, counts, strict=True)
    )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _within(constraint: Constraint, fastest: float) -> str:
    # The median is what is predicted, and percentiles lie above it.
    by = "" if constraint.metric == "latency_p50" else ", by its median"
    bounded = constraint.metric in LATENCIES and "<" in constraint.op
    if not bounded or constraint.needs_baseline:
        return f"{constraint.text}: can be judged only once variants are measured"
    bound = constraint.bound(None)
    if constraint.satisfied(fastest, None):
        return f"{constraint.text}: within reach of the space ({fastest:.3g} ms at the fastest{by})"
    return (
        f"{constraint.text}: out of reach, the fastest architecture timed takes {fastest:.3g} ms, "
        f"{fastest / bound:.2f}x the bound{by}"
    )
