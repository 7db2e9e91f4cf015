"""Which variant is handed back, and why each other one lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paretune.core import (
    UNDER_LOAD,
    Constraint,
    ConstraintResult,
    Objective,
    VariantRecord,
    measured,
)
from paretune.pipeline.racing import Field

#: Objectives that a race decides.
BY_SPEED = ("latency", *UNDER_LOAD)
_NOT_MET = " is not met: "


@dataclass(frozen=True)
class Verdict:
    """The decision.

    Attributes:
        chosen: id of the variant handed back.
        records: every variant with its status and reason.
    """

    chosen: str
    records: tuple[VariantRecord, ...]


def held(
    constraints: Sequence[Constraint],
    record: VariantRecord,
    baseline: VariantRecord,
    objective: Objective,
) -> tuple[ConstraintResult, ...]:
    """Each constraint as a variant meets it; what was not measured is not met."""
    results = []
    for constraint in constraints:
        price = objective.price_per_hour
        value = measured(record, constraint.metric, price_per_hour=price)
        reference = measured(baseline, constraint.metric, price_per_hour=price)
        satisfied = constraint.satisfied(value, reference)
        results.append(ConstraintResult(text=constraint.text, satisfied=satisfied, value=value))
    return tuple(results)


def decide(
    field: Field,
    baseline_id: str,
    constraints: Sequence[Constraint],
    objective: Objective,
) -> Verdict:
    """Choose among everything that was measured.

    The race's winner leads; the rest follow by objective. The first that meets every constraint is
    chosen, and only where none else does, one that was passed over for a surer one. Where none
    does, the first that meets those on accuracy is handed back, and the baseline where even that
    fails.
    """
    records = {record.id: record for record in field.records()}
    baseline = records[baseline_id]
    ranked = _ranked(field, records, objective)
    misses = {
        record.id: [r for r in held(constraints, record, baseline, objective) if not r.satisfied]
        for record in ranked
    }
    whole = sorted(
        (record for record in ranked if not misses[record.id]),
        key=lambda record: bool(field.owner[record.id].reason),
    )
    guard = [c for c in constraints if c.guards]
    accurate = [
        record
        for record in ranked
        if all(r.satisfied for r in held(guard, record, baseline, objective))
    ]
    chosen = (whole or accurate or [baseline])[0]
    final = [_explained(record, chosen, misses, field, objective) for record in records.values()]
    return Verdict(chosen.id, tuple(final))


def _ranked(
    field: Field, records: dict[str, VariantRecord], objective: Objective
) -> list[VariantRecord]:
    """Measured records, best first; speed decides by ratio to the common reference."""
    measured = [record for record in records.values() if record.status == "ok"]
    by_speed = objective.name in BY_SPEED

    def rank(record: VariantRecord) -> tuple[float, float]:
        speed = -field.standings[record.id].speed.value
        if not by_speed:
            return objective.key(record), speed
        return (0.0 if record.id == field.winner else 1.0), speed

    return sorted(measured, key=rank)


def _explained(
    record: VariantRecord,
    chosen: VariantRecord,
    misses: dict[str, list[ConstraintResult]],
    field: Field,
    objective: Objective,
) -> VariantRecord:
    """The record with its final status and the reason it lost."""
    if record.status != "ok":
        return record
    if record.id == chosen.id:
        missed = "; ".join(_miss(miss) for miss in misses[record.id])
        return record.model_copy(update={"reason": missed})
    if misses[record.id]:
        reason = "; ".join(_miss(miss) for miss in misses[record.id])
        return record.model_copy(update={"status": "rejected", "reason": reason})
    if passed_over := field.owner[record.id].reason:
        return record.model_copy(update={"status": "rejected", "reason": passed_over})
    ours, theirs = field.standings[record.id].speed, field.standings[chosen.id].speed
    if objective.name not in BY_SPEED:
        reason = (
            f"{objective.value(record):.4g} {objective.unit} against {objective.value(chosen):.4g}"
        )
    else:
        reason = behind(theirs.value / ours.value, shown=ours.ci95[1] < theirs.ci95[0])
    return record.model_copy(update={"reason": reason})


def as_compared(
    record: VariantRecord,
    chosen: str,
    constraints: Sequence[Constraint],
    baseline: VariantRecord,
    objective: Objective,
) -> VariantRecord:
    """A record of the last comparison, whose reason tells of that where a constraint was broken.

    Args:
        record: with the comparison's figures.
        chosen: id of the variant handed back.
        constraints: all of them.
        baseline: the model as it came, with the comparison's figures.
        objective: what is made best.
    """
    broken = record.status == "rejected" and _NOT_MET in record.reason
    if record.id != chosen and not broken:
        return record
    results = held(constraints, record, baseline, objective)
    reason = "; ".join(_miss(result) for result in results if not result.satisfied)
    if broken and not reason:
        reason = f"{record.reason}, when it raced"
    return record.model_copy(update={"reason": reason})


def behind(times: float, *, shown: bool) -> str:
    """Why a variant lost that takes so many times the chosen one's time."""
    if shown:
        return f"{times:.2f}x the time of the chosen variant"
    return "no difference from the chosen variant that could be shown"


def _miss(result: ConstraintResult) -> str:
    found = "not measured" if result.value is None else f"{result.value:.4g}"
    return f"{result.text}{_NOT_MET}{found}"
