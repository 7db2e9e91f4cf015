"""What int8 did in each runtime: quantisation is unpredictable, and that must be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paretune.core import Estimate, Result, VariantRecord
from paretune.report.pace import alike, pace

REFERENCE, QUANTISED = "f32", "int8"


@dataclass(frozen=True)
class Effect:
    """int8 against f32 in one runtime, with one recipe; each at its fastest that may be used.

    Attributes:
        runtime: name of the runtime.
        recipe: the quantisation recipe.
        f32_ms: `pace` of the fastest f32 variant of that runtime.
        int8_ms: `pace` of the fastest int8 variant.
        ratio: f32 over int8, above 1 is faster; None where one is missing. Its interval is made
            of the ends of both intervals, hence wider than 95 %.
        drop: paired accuracy drop of int8 against the baseline.
        outcome: `ok`, or why it may not be used.
    """

    runtime: str
    recipe: str
    f32_ms: float | None
    int8_ms: float | None
    ratio: Estimate | None
    drop: Estimate | None
    outcome: str


def effects(result: Result) -> list[Effect]:
    """One entry for each runtime and recipe that int8 was tried with, the fastest first.

    The user's own architecture alone: what a search found is faster for another reason.
    """
    baseline = result.variant(result.baseline)
    same = [
        record
        for record in result.variants
        if record.architecture == baseline.architecture
        and alike(record, baseline, result.objective)
    ]
    groups: dict[tuple[str, str], list[VariantRecord]] = {}
    for record in same:
        if record.precision == QUANTISED:
            groups.setdefault((record.runtime, record.recipe), []).append(record)
    found = []
    for (runtime, recipe), records in groups.items():
        references = [r for r in same if (r.runtime, r.precision) == (runtime, REFERENCE)]
        _, f32 = _fastest(references, result.objective)
        best, int8 = _fastest(records, result.objective)
        shown = best or records[0]
        found.append(
            Effect(
                runtime=runtime,
                recipe=recipe,
                f32_ms=f32.value if f32 else None,
                int8_ms=int8.value if int8 else None,
                ratio=_ratio(f32, int8) if f32 and int8 else None,
                drop=shown.accuracy.drop if shown.accuracy else None,
                outcome="ok" if shown.status == "ok" else f"{shown.status}: {shown.reason}",
            )
        )
    return sorted(found, key=lambda e: (-(e.ratio.value if e.ratio else 0.0), e.runtime, e.recipe))


def verdict(found: Sequence[Effect]) -> str:
    """The range of what int8 did, in one sentence."""
    ratios = [effect.ratio.value for effect in found if effect.ratio is not None]
    if not found:
        return "No int8 variant was tried."
    if not ratios:
        return "No int8 variant could be measured against f32; the reasons stand below."
    low, high = min(ratios), max(ratios)
    kept = sum(effect.outcome == "ok" for effect in found)
    if len(ratios) > 1:
        speed = f"from {low:.2f}x to {high:.2f}x the speed of f32 in the same runtime"
    else:
        speed = f"{low:.2f}x the speed of f32 in the same runtime"
    return (
        f"For this model on this machine int8 gave {speed}; {kept} of {len(found)} "
        "recipes tried may be used."
    )


def _fastest(
    records: Iterable[VariantRecord], objective: str
) -> tuple[VariantRecord | None, Estimate | None]:
    """Of those that may be used, where there is one, and its time."""
    paces = [(record, pace(record, objective)) for record in records]
    timed = [
        (record.status != "ok", time.value, record.id, record, time)
        for record, time in paces
        if time is not None
    ]
    return min(timed)[3:] if timed else (None, None)


def _ratio(f32: Estimate, int8: Estimate) -> Estimate:
    return Estimate(
        value=f32.value / int8.value,
        ci95=(f32.ci95[0] / int8.ci95[1], f32.ci95[1] / int8.ci95[0]),
    )
