"""`optimize()`: the whole trip, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

from paretune.compress import Builds
from paretune.core import Model, Preprocessing, Progress, Result, Silent
from paretune.data import Dataset
from paretune.engine import Engine, LocalEngine
from paretune.pipeline.clock import Clock
from paretune.pipeline.context import Context, Shares
from paretune.pipeline.duration import seconds
from paretune.pipeline.intake import bring_in, text_of
from paretune.pipeline.request import Request
from paretune.pipeline.rundir import SPENT, RunDir
from paretune.pipeline.searching import FIRST
from paretune.pipeline.trip import Arrays, take
from paretune.report.hardware.against import keep, read
from paretune.store import Store


def optimize(
    model: str | Path | Model | Any,
    data: str | Path | Dataset | Any,
    *,
    out: str | Path = "paretune-run",
    effort: str = "quantize",
    constraints: Sequence[str] = (),
    objective: str = "latency",
    budget: str | float = "30m",
    resume: bool = False,
    seed: int = 0,
    threads: Sequence[int] = (),
    batch: int = 1,
    runtimes: Sequence[str] = (),
    precisions: Sequence[str] = (),
    device: str = "cpu",
    metric: str | None = None,
    price_per_hour: float | None = None,
    against: Sequence[str | Path] = (),
    preprocessing: Preprocessing | str | None = None,
    input_shape: Sequence[int] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> Result:
    """Hand back the best variant of a model that meets the constraints on this machine.

    Args:
        model: a MODEL text, a path, an `nn.Module`, or what `load_model` gave.
        data: a DATA text, a path, arrays, or what `load_data` gave.
        out: folder for `result.json`, `report.html`, `measurements.jsonl` and `artifact/`.
        effort: `compile` (no calibration), `quantize` (adds int8), `search` (changes the
            architecture, too: needs a PyTorch model).
        constraints: such as `latency_p95 <= 5 ms`; `accuracy >= baseline - 0.5 pt` unless one
            is about accuracy or divergence (without labels, `divergence <= 0.02 nats` and
            `accuracy >= 90 %`).
        objective: `latency`, `throughput`, `size`, `memory` or `cost`.
        budget: seconds, or a text such as `30m`.
        resume: go on with the same request's run in `out`.
        seed: of splits, resampling and the calibration subset.
        threads: thread counts to try; all cores, half and one by default. Objectives
            `throughput` and `cost` use the largest.
        batch: samples per call.
        runtimes: names to try, all by default.
        precisions: to try, all by default.
        device: `cpu`, or `cuda` for the runtimes that have it.
        metric: `top1`, `agreement`, `fidelity` or `package.module:function(outputs, labels)`;
            the first, the second without labels, and the third for what is no classifier.
        price_per_hour: USD, for the objective `cost`.
        against: what `bench`, `roofline` or `frontier` wrote as JSON, of this and other machines;
            the report sets the run against it.
        preprocessing: for models that do not say how images are prepared.
        input_shape: (C, H, W) of one sample, for modules that do not say.
        progress: told what happens.
        engine: where work runs; processes on this machine by default.
        store: measurements that are already known; the user's own by default.

    Returns:
        The result; `constraints` says whether each is met.

    Raises:
        InputError: the request cannot be served as given.
    """
    began = time.monotonic()
    clock = Clock(progress or Silent())
    told = clock.progress
    clock.stage("bring in")
    others = [Path(file) for file in against]
    read(others)  # whatever cannot be read is refused now
    intake = bring_in(
        model,
        data,
        Request(
            model=text_of(model),
            data=text_of(data),
            effort=effort,
            constraints=tuple(constraints),
            objective=objective,
            price_per_hour=price_per_hour,
            budget_s=seconds(budget),
            seed=seed,
            threads=tuple(threads),
            batch=batch,
            runtimes=tuple(runtimes),
            precisions=tuple(precisions),
            device=device,
            metric=metric,
        ),
        preprocessing=preprocessing,
        input_shape=input_shape,
    )
    intake.tell(told)
    worker = engine or LocalEngine()
    with (
        RunDir.claim(Path(out), intake.request.digest, resume=resume) as rundir,
        rundir.cleared_when_refused(),
        nullcontext(store) if store is not None else Store.open() as shelf,
    ):
        searches = intake.request.effort == "search"
        search = intake.arrays("search", told)
        calibration = intake.arrays("train", told) if intake.needs_int8 else None
        train = cache(partial(intake.arrays, "train", told, whole=True))
        rundir.confirm(intake.facts(search, train() if searches else calibration))
        intake.check_blocks(search)
        clock.keep(rundir.path / SPENT)
        keep(others, rundir.path)
        with Builds(
            intake.model, calibration, target=intake.target, engine=worker, store=shelf
        ) as builds:
            context = Context(
                request=intake.request,
                model=intake.model,
                dataset=intake.dataset,
                target=intake.target,
                store=shelf,
                engine=worker,
                builds=builds,
                progress=told,
                metric=intake.metric,
                search=search,
                deadline=began + intake.request.budget_s,
                shares=FIRST if searches else Shares(),
            )
            if intake.unlabelled:
                context.tell("labels", intake.unlabelled)
            if intake.cut:
                context.tell("fallback", intake.cut)
            if builds.fallback:
                context.tell("fallback", builds.fallback)
            arrays = Arrays(
                holdout=lambda: intake.arrays("holdout", told),
                train=train,
                calibration=calibration,
            )
            return take(context, clock, rundir, arrays, intake.constraints)
