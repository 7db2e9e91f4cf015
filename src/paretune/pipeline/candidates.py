"""Every program worth racing: built, scored on `search`, held against the accuracy guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from paretune import runtimes
from paretune.compress import broken
from paretune.core import (
    Constraint,
    InputError,
    Precision,
    Score,
    UnsupportedError,
    VariantRecord,
)
from paretune.measure.accuracy import Outputs
from paretune.pipeline.context import Candidate, Context
from paretune.pipeline.intake import planned
from paretune.pipeline.scoring import build_and_run, score_on

#: In a search, what is built and timed even where the budget is spent: what its networks are
#: compiled to, and so the baseline's way that they are held against. A run that ends without
#: either has been for nothing.
SEARCHED: tuple[str, Precision] = ("openvino", "int8")


@dataclass
class Candidates:
    """What could be built.

    Attributes:
        baseline: the model as it came, in the runtime it came in.
        failed: records of what could not be built or run, with reasons.
        baseline_outputs: of the baseline on `search`.
    """

    baseline: Candidate
    baseline_outputs: Outputs
    failed: list[VariantRecord] = field(default_factory=list)


def baseline(context: Context) -> Candidates:
    """Build and score the model as it came.

    Raises:
        InputError: it cannot be run at all, or its outputs are not finite: nothing can follow.
    """
    name = context.model.native_runtime
    context.progress.step(f"{name} f32")
    try:
        program, key, result = build_and_run(context, name, "f32")
    except UnsupportedError as error:
        raise InputError(
            f"the model {context.model.name} cannot be run in {name}, the runtime it came in: "
            f"{error}"
        ) from error
    scored = score_on(context, context.search, "search", result, result)
    if context.metric.name == "top1":
        _tell_chance(context, scored)
    return Candidates(Candidate(program, key, scored, must=True), result)


def _tell_chance(context: Context, score: Score) -> None:
    """Tell where the baseline is not shown to know more than which class is the commonest.

    Variants are held against it, so that nothing else would show that labels or inputs are not
    what it was trained with.
    """
    labels = context.search.labels()
    assert labels is not None
    share = np.unique(labels, return_counts=True)[1].max() / len(labels)
    low, high = score.ci95
    if low <= share:
        context.tell(
            "baseline",
            f"the baseline's accuracy of {score.value:.1%} ({low:.1%} to {high:.1%}) is not shown "
            f"to be above the {share:.1%} of always naming the commonest class: check the labels, "
            "their order and the preprocessing, since a constraint relative to such a baseline is "
            "met by variants that are no better",
        )


def build_others(
    context: Context,
    found: Candidates,
    guard: tuple[Constraint, ...],
    pairs: Sequence[tuple[str, Precision]] | None = None,
) -> Iterator[Candidate]:
    """Build and score runtimes and precisions, by default all else that is planned.

    What fails is recorded with its reason. Each candidate is handed over as soon as it is scored,
    so that it can be timed before the next one takes the time for that.
    """
    for name, precision in others_planned(context) if pairs is None else pairs:
        recipes = runtimes.get(name).recipes() if precision == "int8" else ("",)
        for recipe in recipes:
            context.progress.step(f"build {name} {precision} {recipe}".rstrip())
            candidate = _one(context, found, name, precision, recipe, guard)
            if candidate is not None:
                yield candidate
            if candidate is None or not candidate.reason:
                break  # a further recipe is worth its time only where this one lost accuracy


def others_planned(context: Context) -> list[tuple[str, Precision]]:
    """What is planned beside the baseline."""
    native = (context.model.native_runtime, "f32")
    return [pair for pair in planned(context.request, context.target) if pair != native]


def _one(
    context: Context,
    found: Candidates,
    name: str,
    precision: Precision,
    recipe: str,
    guard: tuple[Constraint, ...],
) -> Candidate | None:
    """Build and score one program, or record why not."""
    must = context.request.effort == "search" and (name, precision) == SEARCHED
    seconds = context.left(context.shares.screened)
    try:
        if seconds <= 0 and not must:
            raise UnsupportedError("the budget ended before it was tried")
        limit = None if must else seconds
        program, key, result = build_and_run(context, name, precision, recipe, timeout=limit)
        scored = score_on(context, context.search, "search", result, found.baseline_outputs)
    except (UnsupportedError, InputError) as error:
        variant = context.variant_of(name, precision, recipe, context.threads)
        found.failed.append(VariantRecord.of(variant, "failed", str(error)))
        return None
    reason = broken(scored, found.baseline.score, guard)
    return Candidate(program, key, scored, reason, must)
