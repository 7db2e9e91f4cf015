"""The last comparison, and another choice where the first does not hold there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from paretune.core import Constraint, Objective, ParetuneError, VariantRecord
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
    result is quoted. Then another that holds every bound by the latest figures is compared, too,
    where there is time, and takes its place if it holds them there.

    Args:
        context: the run.
        field: the race; takes the comparison's figures where another is compared.
        verdict: the choice.
        baseline: id of the model as it came.
        best: id of the best compiled baseline, as it raced.
        constraints: all of them.
        objective: what is made best.
        look: called after each start, to watch the machine.

    Returns:
        The choice that stands, and what the comparison found.
    """

    def missed(choice: Verdict, found: dict[str, VariantRecord]) -> list[str]:
        records = {record.id: record for record in choice.records} | found
        results = held(constraints, records[choice.chosen], records[baseline], objective)
        return [result.text for result in results if not result.satisfied]

    def compared(choice: Verdict) -> Claims:
        records = {record.id: record for record in choice.records}
        return claim(
            context,
            field,
            records,
            baseline=baseline,
            chosen=choice.chosen,
            best=best,
            look=look,
        )

    began = time.monotonic()
    claims = compared(verdict)
    took = time.monotonic() - began
    broken = missed(verdict, claims.records)
    if not broken or context.left(context.shares.compared) < took:
        return verdict, claims
    field.correct(claims.records)
    another = decide(field, baseline, constraints, objective)
    if another.chosen == verdict.chosen or missed(another, {}):
        return verdict, claims
    first = f"{verdict.chosen} broke {' and '.join(broken)} in the last comparison"
    context.progress.step(f"compare {another.chosen} instead")
    try:
        others = compared(another)
    except ParetuneError as error:
        context.tell("drift", f"{first}, and {another.chosen} could not be compared: {error}")
        return verdict, claims
    if missed(another, others.records):
        context.tell("drift", f"{first}, and so did {another.chosen}, which was next")
        return verdict, claims
    context.tell("drift", f"{first}: {another.chosen} is handed back instead")
    return another, others
