"""The last comparison, and another choice where the first does not hold there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paretune.core import Constraint, Objective
from paretune.pipeline.claims import Claims, claim
from paretune.pipeline.context import Context
from paretune.pipeline.racing import Field
from paretune.pipeline.verdict import Verdict, decide, held


def settle(
    context: Context,
    field: Field,
    verdict: Verdict,
    *,
    baseline: str,
    best: str,
    constraints: Sequence[Constraint],
    objective: Objective,
    look: Callable[[], object],
) -> tuple[Verdict, Claims]:
    """Compare what was chosen, and what is chosen in its place where it breaks a bound now.

    A bound that held while a variant raced may not hold in the comparison, by whose figures the
    result is quoted. Then whoever holds every bound by the latest figures is chosen and compared,
    too, where there is time; if that breaks one as well, the first choice stays.

    Args:
        context: the run.
        field: the race; takes the comparison's figures where another is chosen.
        verdict: the choice.
        baseline: id of the model as it came.
        best: id of the best compiled baseline, as it raced.
        constraints: all of them.
        objective: what is made best.
        look: called after each start, to watch the machine.

    Returns:
        The choice that stands, and what the comparison found.
    """

    def compared(choice: Verdict) -> tuple[Claims, list[str]]:
        records = {record.id: record for record in choice.records}
        found = claim(
            context,
            field,
            records,
            baseline=baseline,
            chosen=choice.chosen,
            best=best,
            look=look,
        )
        records |= found.records
        results = held(constraints, records[choice.chosen], records[baseline], objective)
        return found, [result.text for result in results if not result.satisfied]

    claims, missed = compared(verdict)
    if not missed or context.left(context.shares.compared) <= 0:
        return verdict, claims
    field.correct(claims.records)
    another = decide(field, baseline, constraints, objective)
    if another.chosen == verdict.chosen:
        return verdict, claims
    context.progress.step(f"compare {another.chosen} instead")
    others, broken = compared(another)
    if broken:
        return verdict, claims
    context.tell(
        "drift",
        f"{verdict.chosen} broke {' and '.join(missed)} in the last comparison: {another.chosen} "
        "is handed back instead",
    )
    return another, others
