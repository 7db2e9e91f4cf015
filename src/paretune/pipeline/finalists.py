"""Finalists of a search among the candidates: built, mended where int8 costs too much, timed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from paretune.compress import broken
from paretune.core import Constraint, Model, ParetuneError, Score
from paretune.data import ArrayFolder
from paretune.pipeline.candidates import SEARCHED, Candidates, build_others
from paretune.pipeline.context import Candidate, Context
from paretune.pipeline.screening import Screening
from paretune.pipeline.searching import Searched, defect, judged
from paretune.pipeline.yardstick import Yardstick
from paretune.sources import digest_of_module

if TYPE_CHECKING:
    from paretune.search.journal import Journal

#: Share of a finalist's time that training in simulated int8 may take, and the least that is of
#: use, seconds.
MENDING, LEAST_MENDING = 0.6, 10.0


def enter_finalists(
    context: Context,
    screening: Screening,
    found: Candidates,
    searched: Searched,
    guard: tuple[Constraint, ...],
    calibration: ArrayFolder | None,
    train: Callable[[], ArrayFolder],
) -> None:
    """Build, score and time the finalists as any other candidate.

    One whose accuracy suffices in f32 and not in int8 is trained in simulated int8 first, where
    there is time for it, and stands in `searched` as it was trained. For how long it is trained is
    written down, so that a resumed run trains it as long.
    """
    from paretune.search.journal import Journal

    journal, good = Journal(searched.checkpoints), Yardstick.of(guard).good
    able = _able(searched, guard, found.baseline.score)
    names = sorted(searched.models, key=lambda name: name not in able)
    for place, name in enumerate(names):
        model = searched.models[name]
        # Who falls short in f32 is not trained on, and needs no part of the time.
        sharing = 1 + sum(other in able for other in names[place + 1 :])
        time = partial(_share, context, journal, name, sharing)
        candidates = _built(context, found, model, guard, calibration)
        best = max(candidates, key=lambda one: good(one.score), default=None)
        if best is not None and all(one.reason for one in candidates):
            other, why = None, ""
            try:
                other = _mended(context, found, searched, model, guard, best, train, time())
            except ParetuneError as error:
                why = str(error)
            except Exception as error:
                why = defect(searched.checkpoints, error)
            if why:
                told = f"training {name} in simulated int8 failed, it stays as it was: {why}"
                context.tell("fallback", told)
            if other is not None:
                again = _built(context, found, other, guard, calibration)
                if any(not o.reason or good(o.score) > good(best.score) for o in again):
                    searched.models[name], candidates = other, again
        with _of(context, searched.models[name], calibration) as own:
            screening.context = own
            for candidate in candidates:
                screening.enter(candidate)
        screening.context = context


def _able(searched: Searched, guard: tuple[Constraint, ...], own: Score) -> set[str]:
    """Architectures whose outputs, in f32, were good enough after their training."""
    least = Yardstick.of(guard).least(guard, own)
    points = searched.summary.points
    return {p.architecture for p in points if p.score is not None and p.score >= least}


def _share(context: Context, journal: Journal, name: str, finalists: int) -> float:
    """Seconds that one of so many may be trained in simulated int8 for, or was to be."""
    seconds = MENDING * context.left(context.shares.screened) / finalists
    known = f"simulated int8 {name}"
    # Too little is not written down: whoever goes on with a larger budget has it.
    if seconds < LEAST_MENDING and known not in journal:
        return seconds
    return journal.once(known, lambda: seconds)


def _built(
    context: Context,
    found: Candidates,
    model: Model,
    guard: tuple[Constraint, ...],
    calibration: ArrayFolder | None,
) -> list[Candidate]:
    with _of(context, model, calibration) as own:
        return list(build_others(own, found, guard, pairs=[SEARCHED]))


def _mended(
    context: Context,
    found: Candidates,
    searched: Searched,
    model: Model,
    guard: tuple[Constraint, ...],
    best: Candidate,
    train: Callable[[], ArrayFolder],
    seconds: float,
) -> Model | None:
    """The finalist trained in simulated int8, if f32 suffices and there is time; else None."""
    from paretune.search.finish import Within, quantisation_aware
    from paretune.search.finish.quantisation_aware import RECIPE

    plain = judged(context, model.module, found.baseline_outputs)
    own = found.baseline.score
    if plain is None or broken(plain, own, guard):
        return None
    yardstick = Yardstick.of([one for one in guard if broken(best.score, own, [one])])
    drop = yardstick.good(plain) - yardstick.good(best.score)
    lost = yardstick.told(drop)
    if seconds < LEAST_MENDING:
        context.tell(
            "budget",
            f"int8 costs {model.name} {lost}, and no time is left to train it in "
            "simulated int8: give a larger --budget",
        )
        return None
    module = copy.deepcopy(model.module)
    with searched.spending.stage("quantisation-aware"):
        done = quantisation_aware(
            module,
            context.model.module,
            train(),
            drop=drop,
            allowed=0.0,
            recipe=replace(RECIPE, scores=context.model.task == "classification"),
            seconds=seconds,
            seed=context.request.seed,
            ledger=searched.spending,
            checkpoint=searched.checkpoints / f"int8-{model.digest[:16]}.pt",
            progress=Within(context.progress, f"train {model.name} in simulated int8"),
        )
    if done is None:
        return None
    if done.reason:
        why = f"training {model.name} in simulated int8 failed, it stays as it was: {done.reason}"
        context.tell("fallback", why)
        return None
    context.progress.note(
        f"int8 cost {model.name} {lost}: trained in simulated int8 for {seconds:.0f} s"
    )
    digest = digest_of_module(module, model.inputs, f"{model.digest} in simulated int8")
    return replace(model, module=module, digest=digest)


@contextmanager
def _of(context: Context, model: Model, calibration: ArrayFolder | None) -> Iterator[Context]:
    """The run's context for another model; what it reuses and takes is the run's."""
    own = replace(context, model=model, builds=context.builds.of(model, calibration))
    yield own
    context.reused, context.taken = own.reused, own.taken
