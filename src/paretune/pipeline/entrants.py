"""The variants of a bench: built, tried out, and scored where there is data."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from paretune import runtimes as registry
from paretune.compress import Builds
from paretune.core import (
    Condition,
    Model,
    ParetuneError,
    Precision,
    Progress,
    Score,
    Target,
    Variant,
    VariantRecord,
)
from paretune.data import Dataset, check_against, load_data, materialise, random_inputs
from paretune.engine import Engine
from paretune.measure import choose_metric
from paretune.pipeline.caps import check_cap
from paretune.pipeline.context import Context
from paretune.pipeline.dense import within_memory
from paretune.pipeline.intake import planned, with_calibration
from paretune.pipeline.request import Request
from paretune.pipeline.scoring import build_and_run, score_on
from paretune.runtimes.base import Program
from paretune.store import Store, paths


@dataclass
class Entrant:
    """One variant of the bench."""

    context: Context
    program: Program
    variant: Variant
    score: Score | None = None


@dataclass
class Entrants:
    """Everything that could be built, and records of what could not."""

    ready: dict[str, Entrant] = field(default_factory=dict)
    failed: list[VariantRecord] = field(default_factory=list)


@contextmanager
def bench_context(
    request: Request,
    model: Model,
    data: str | Path | Dataset | None,
    target: Target,
    store: Store,
    engine: Engine,
    told: Progress,
) -> Iterator[Context]:
    """Everything one model's variants share."""
    if data is None:
        dataset, cut = random_inputs(model, seed=request.seed), ""
    else:
        dataset = load_data(data, seed=request.seed)
    if data is not None:
        dataset, cut = within_memory(with_calibration(check_against(dataset, model)), model)
    search = materialise(dataset, "search", model, paths.arrays(), progress=told)
    calibration = materialise(dataset, "train", model, paths.arrays(), progress=told)
    labelled = dataset.samples.labels is not None
    with Builds(model, calibration, target=target, engine=engine, store=store) as builds:
        context = Context(
            request=request,
            model=model,
            dataset=dataset,
            target=target,
            store=store,
            engine=engine,
            builds=builds,
            progress=told,
            metric=choose_metric(None, model.task, labelled),
            search=search,
            deadline=time.monotonic() + request.budget_s,
        )
        for text in (cut, builds.fallback):
            if text:
                context.tell("fallback", f"{model.architecture}: {text}")
        if data is None:
            context.conditions.append(
                Condition(
                    kind="fallback",
                    text=f"{model.architecture}: inputs are random, so int8 is calibrated for "
                    "speed alone and accuracy is not known; give --data for both",
                )
            )
        yield context


def asked_programs(context: Context) -> list[tuple[str, Precision, str]]:
    """(runtime, precision, recipe) asked for, the model's own runtime first."""
    native = (context.model.native_runtime, "f32")
    pairs = sorted(planned(context.request, context.target), key=lambda pair: pair != native)
    return [
        (name, precision, registry.get(name).recipes()[0] if precision == "int8" else "")
        for name, precision in pairs
    ]


def enter(
    context: Context,
    entrants: Entrants,
    streams: Sequence[int],
    batches: Sequence[int],
    *,
    scored: bool,
) -> None:
    """Build, score and try out every variant of one model."""
    baseline_outputs = None
    built: list[Entrant] = []
    for name, precision, recipe in asked_programs(context):
        context.progress.step(f"{context.model.architecture} {name} {precision}")
        variants = [
            context.variant_of(name, precision, recipe, threads, count, batch)
            for threads, count, batch in itertools.product(
                context.request.threads or (context.threads,), streams, batches
            )
        ]
        score = None
        try:
            check_cap(name, context.target.isa_cap)
            if not scored:
                program = context.builds.build(name, precision, recipe, device=context.device)
            else:
                program, _, result = build_and_run(context, name, precision, recipe)
                baseline_outputs = result if baseline_outputs is None else baseline_outputs
                score = score_on(context, context.search, "search", result, baseline_outputs)
        except ParetuneError as error:
            entrants.failed += [VariantRecord.of(v, "failed", str(error)) for v in variants]
            continue
        built += [Entrant(context, program, variant, score) for variant in variants]
    pool = ThreadPoolExecutor(context.openings)
    try:
        for entrant, reason in zip(built, pool.map(_failing, built), strict=True):
            context.progress.step(f"tried {entrant.variant.id}")
            if reason:
                entrants.failed.append(VariantRecord.of(entrant.variant, "failed", reason))
            else:
                entrants.ready[entrant.variant.id] = entrant
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt waits for the running ones alone


def _failing(entrant: Entrant) -> str:
    """Why a variant cannot be opened, empty where it can."""
    try:
        entrant.context.open(entrant.program, entrant.variant).close()
    except ParetuneError as error:
        return str(error)
    return ""
