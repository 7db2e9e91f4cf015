"""The holdout: read once, after the last choice, and held against what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from paretune.core import Constraint, Holdout, Score, quality
from paretune.data import ArrayFolder
from paretune.measure.accuracy import Outputs
from paretune.pipeline.candidates import Candidates
from paretune.pipeline.context import Candidate, Context
from paretune.pipeline.scoring import outputs, score_on
from paretune.report.text import change


def read_holdout(
    context: Context,
    found: Candidates,
    chosen: Candidate,
    constraints: Sequence[Constraint],
    arrays: ArrayFolder,
) -> Holdout:
    """Score baseline and chosen on the samples that no choice has seen.

    Args:
        context: the run; told where a constraint on accuracy does not hold here.
        found: has the baseline.
        chosen: what is handed back.
        constraints: what was asked for.
        arrays: inputs of the holdout.
    """

    def outcome(candidate: Candidate) -> Outputs:
        context.progress.step(f"holdout: {candidate.program.runtime}")
        return outputs(context, candidate.program, candidate.key, arrays)

    reference = outcome(found.baseline)
    ours = reference if chosen is found.baseline else outcome(chosen)

    def scored(result: Outputs) -> Score:
        return score_on(context, arrays, "holdout", result, reference)

    chosen_score = scored(ours)
    assert chosen_score.drop is not None
    read = Holdout(baseline=scored(reference), chosen=chosen_score, drop=chosen_score.drop)
    for constraint in constraints:
        tell_broken(context, constraint, (found.baseline.score, chosen.score), read)
    return read


def tell_broken(
    context: Context, constraint: Constraint, search: tuple[Score, Score], read: Holdout
) -> None:
    """Say where a constraint on accuracy held on the search split and does not hold here.

    Of many candidates the one that is taken was lucky on the samples that it was chosen by.

    Args:
        context: told.
        constraint: any.
        search: scores of the baseline and of what was chosen on the search split.
        read: those of the holdout.
    """
    if not constraint.guards:
        return
    before, value = (quality(score, constraint.metric) for score in (search[1], read.chosen))
    reference, own = (quality(score, constraint.metric) for score in (search[0], read.baseline))
    if constraint.satisfied(value, own) or not constraint.satisfied(before, reference):
        return
    found = change(read.drop) if constraint.metric == "accuracy" else f"{value:.4g} nats"
    context.tell(
        "holdout",
        f"{constraint.text} was judged on the {search[1].n} samples of the search split and does "
        f"not hold on the {read.chosen.n} of the holdout: {found} there; more samples, or "
        "a stricter constraint, bring the two together",
    )
