"""Of the networks that a search found, the one that is worth most is preferred.

Who is just fast enough to just hold the accuracy constraint on the samples of the search holds it
on others with a probability of one half.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from paretune.core import Constraint, Objective
from paretune.pipeline.racing import Field
from paretune.pipeline.verdict import BY_SPEED, held
from paretune.pipeline.yardstick import Yardstick


def pass_over(
    field: Field,
    found: Collection[str],
    baseline_id: str,
    instead: str,
    constraints: Sequence[Constraint],
    objective: Objective,
) -> None:
    """Rule out what is faster than the preferred of the found networks.

    Preferred is the largest log(speed) x P(the outputs hold on new samples), the finish's own
    rule, of those that meet every constraint. The rest may run, and lose by their time.

    Args:
        field: the race; who is ruled out has a reason there.
        found: ids of the variants of found networks that were timed.
        baseline_id: of the model as it came.
        instead: of what would be handed back without them, which speeds are taken against.
        constraints: what was asked for.
        objective: nothing is ruled out where it is not a speed.
    """
    from paretune.search.prospect import worth

    records = {record.id: record for record in field.records()}
    baseline = records[baseline_id]
    guard = [c for c in constraints if c.guards]
    if objective.name not in BY_SPEED or not guard or baseline.accuracy is None:
        return
    at_hand = field.standings[instead].speed.value
    valued: dict[str, _Value] = {}
    for name in found:
        met = held(constraints, records[name], baseline, objective)
        if field.owner[name].reason or not all(result.satisfied for result in met):
            continue
        speed, score = field.standings[name].speed.value / at_hand, field.owner[name].score
        spare = [Yardstick.of([one]).spare(one, score, baseline.accuracy) for one in guard]
        valued[name] = min(_Value(*worth(speed, *one), speed) for one in spare)
    if not valued:
        return
    best = max(valued, key=lambda name: valued[name])
    surer = valued[best]
    for name, value in valued.items():
        if value.speed > surer.speed and value.chance < surer.chance:
            reason = (
                f"{value.speed:.2f}x as fast as without a search, and on new samples its outputs "
                f"hold what is asked with a probability of {100 * value.chance:.0f} %: "
                f"{records[best].architecture}, {surer.speed:.2f}x, "
                f"with {100 * surer.chance:.0f} %"
            )
            field.owner[name] = replace(field.owner[name], reason=reason)


class _Value(NamedTuple):
    """Log of the speed to expect, the probability that the outputs hold, and the speed."""

    worth: float
    chance: float
    speed: float
