"""The stages of a run, from the baseline to the artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paretune.core import Constraint, DatasetSummary, Model, Objective, Result
from paretune.data import ArrayFolder
from paretune.engine import machine
from paretune.pipeline.candidates import baseline, build_others, others_planned
from paretune.pipeline.claims import layer_times
from paretune.pipeline.clock import Clock
from paretune.pipeline.context import Context
from paretune.pipeline.finalists import enter_finalists
from paretune.pipeline.handback import RESULT, hand_back, how_measured
from paretune.pipeline.holdout import read_holdout
from paretune.pipeline.other_outputs import tell_others
from paretune.pipeline.preference import pass_over
from paretune.pipeline.racing import race_survivors
from paretune.pipeline.rundir import RunDir
from paretune.pipeline.screening import Screening
from paretune.pipeline.searching import Searched, last_shares, look, spent
from paretune.pipeline.settling import settle
from paretune.pipeline.verdict import as_compared, decide, held
from paretune.report.frontier import pareto, points_of

JOURNAL = "measurements.jsonl"


@dataclass(frozen=True)
class Arrays:
    """Splits that are prepared when they are needed.

    Attributes:
        holdout: called once, after the last choice.
        train: all of the train split.
        calibration: a part of it, for int8; None where nothing is quantised.
    """

    holdout: Callable[[], ArrayFolder]
    train: Callable[[], ArrayFolder]
    calibration: ArrayFolder | None


def take(
    context: Context,
    clock: Clock,
    rundir: RunDir,
    arrays: Arrays,
    constraints: tuple[Constraint, ...],
) -> Result:
    """Run every stage and write what the contract promises into the run's folder.

    Args:
        context: the run.
        clock: keeps the ledger.
        rundir: where results are written.
        arrays: the splits that are prepared when they are needed.
        constraints: all that will be held.
    """
    objective = Objective.parse(
        context.request.objective, price_per_hour=context.request.price_per_hour
    )
    guard = tuple(c for c in constraints if c.guards)

    searches = context.request.effort == "search"
    clock.stage("baseline", 1)
    found = baseline(context)
    planned = 1 + len(others_planned(context))
    clock.stage("compile, quantise, race", 3 * planned)
    with Screening(context, planned) as screening:
        screening.enter(found.baseline)
        for candidate in build_others(context, found, guard):
            screening.enter(candidate)
        field = screening.finish()
        race_survivors(context, field)
        baseline_id = field.best_of(found.baseline)
        verdict = decide(field, baseline_id, constraints, objective)
        best, searched = verdict.chosen, None
        if searches:
            clock.stage("search")
            own = next(record for record in verdict.records if record.id == baseline_id)
            searched = look(
                context, rundir, found, own, verdict.records, constraints, arrays.train()
            )
            context.shares = last_shares(context.request.budget_s, context.opening_s)
        if searched is not None:
            clock.stage("finalists", 3 * len(searched.models))
            calibration, train = arrays.calibration, arrays.train
            enter_finalists(context, screening, found, searched, guard, calibration, train)
            names = [
                n for n in field.standings if field.variants[n].architecture in searched.models
            ]
            pass_over(field, names, baseline_id, best, constraints, objective)
            race_survivors(context, field)
            verdict = decide(field, baseline_id, constraints, objective)
    raced = {record.id: record for record in (*verdict.records, *found.failed)}
    for name in (RESULT, JOURNAL):  # what a run that is resumed had come to
        (rundir.path / name).unlink(missing_ok=True)
    for record in raced.values():
        rundir.append(JOURNAL, record)

    context.builds.close()  # nothing is built from here on, and the comparison has the memory
    clock.stage("compare", 8)
    with machine.Watch(threads=context.threads) as watch:
        verdict, claims = settle(
            context,
            field,
            verdict,
            baseline=baseline_id,
            best=best,
            constraints=constraints,
            objective=objective,
            look=watch.sample,
        )
    context.conditions.extend(watch.conditions)
    own = claims.records[baseline_id]
    records = {record.id: record for record in verdict.records} | {
        name: as_compared(record, verdict.chosen, constraints, own, objective)
        for name, record in claims.records.items()
    }
    for name, record in records.items():
        if record != raced[name]:
            rundir.append(JOURNAL, record)
    results = held(constraints, records[verdict.chosen], records[baseline_id], objective)

    clock.stage("holdout and layers", 5)
    chosen = field.owner[verdict.chosen]
    unseen = arrays.holdout()
    reading = read_holdout(context, found, chosen, constraints, unseen)
    tell_others(context, found, chosen, unseen)
    layers = layer_times(context, field, [baseline_id, verdict.chosen])
    _tell_reuse(context)
    if why := chosen.program.needs_code:
        context.tell(
            "fallback",
            f"the artifact holds the weights alone, for the model's own code to load: {why}",
        )
    clock.stage("hand back", 2)
    result = Result(
        model=context.model.name,
        target=context.target,
        dataset=_summary(context),
        objective=context.request.objective,
        baseline=baseline_id,
        best_compiled_baseline=claims.best,
        chosen=verdict.chosen,
        constraints=results,
        variants=(*records.values(), *found.failed),
        frontier=pareto(points_of(records.values(), context.request.objective)),
        holdout=reading,
        ratios=claims.ratios,
        ledger=spent(rundir, clock.ledger()) if searches else clock.ledger(),
        conditions=tuple(context.conditions),
        layers=layers,
        how_measured=how_measured(context, claims.starts),
        search=None if searched is None else searched.summary,
        inputs=_inputs(context.model, searched),
    )
    variant = field.variants[verdict.chosen]
    files = None if searched is None else searched.files(context.model, variant.architecture)
    hand_back(context, rundir, result, chosen.program, variant, files)
    return result


def _inputs(model: Model, searched: Searched | None) -> dict[str, tuple[int, ...]]:
    """Shape of a sample by architecture: what is found takes what the user's own takes."""
    shape = model.inputs[0].concrete(1)[1:]
    return dict.fromkeys((model.architecture, *(searched.models if searched else ())), shape)


def _summary(context: Context) -> DatasetSummary:
    samples, splits = context.dataset.samples, context.dataset.splits
    return DatasetSummary(
        name=samples.name,
        train=len(splits["train"]),
        search=len(splits["search"]),
        holdout=len(splits["holdout"]),
        metric=context.metric.name,
        labelled=samples.labels is not None,
        skipped=len(samples.skipped),
    )


def _tell_reuse(context: Context) -> None:
    if context.reused:
        context.tell(
            "cache",
            f"{context.reused} measurements came from the store and {context.taken} were "
            "taken now; the final comparison is always taken anew",
        )
