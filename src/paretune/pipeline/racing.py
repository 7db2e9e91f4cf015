"""The race over the joint space: programs x threads x streams x batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from paretune.core import InputError, ParetuneError, Variant, VariantRecord
from paretune.engine import Actor
from paretune.measure import LATENCY, THROUGHPUT, Probe, Standing, final, screen, survivors
from paretune.pipeline.context import Candidate, Context
from paretune.pipeline.plans import Plan, latency_plan, throughput_plan

MAX_BATCH = 32


@dataclass
class Field:
    """Everyone in the race.

    Attributes:
        owner: the candidate each variant runs.
        variants: by id.
        standings: by id; `speed` is against the reference of the first pass.
        failed: by id, why it could not run.
        winner: id of the fastest that may be chosen, empty when none may.
    """

    owner: dict[str, Candidate] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    winner: str = ""

    def best_of(self, candidate: Candidate) -> str:
        """Id of the candidate's fastest variant.

        Raises:
            InputError: none of its variants could be timed.
        """
        ids = [name for name, owner in self.owner.items() if owner is candidate]
        timed = [name for name in ids if name in self.standings]
        if not timed:
            raise InputError(f"the baseline could not be timed: {self.failed[ids[0]]}")
        return max(timed, key=lambda name: self.standings[name].speed.value)

    def records(self) -> list[VariantRecord]:
        """One record a variant, with what was measured; reasons come with the verdict."""
        return [self._record(name) for name in self.variants]

    def _record(self, name: str) -> VariantRecord:
        variant, candidate = self.variants[name], self.owner[name]
        if name in self.failed:
            return VariantRecord.of(variant, "failed", self.failed[name])
        standing = self.standings[name]
        return VariantRecord.of(variant, "ok").model_copy(
            update={
                "latency_ms": standing.latency,
                "throughput_per_s": standing.throughput.value,
                "throughput_ci95": standing.throughput.ci95,
                "peak_memory_mb": standing.peak_memory_mb,
                "size_mb": candidate.program.size_mb,
                "accuracy": candidate.score,
            }
        )


def run_race(context: Context, candidates: list[Candidate]) -> Field:
    """Screen every variant, then race the survivors that may be chosen.

    Args:
        candidates: the baseline first.
    """
    entry = Field()
    reference = _reference(candidates)
    by_throughput = probe_of(context) is THROUGHPUT
    expected = len(candidates) * (4 if by_throughput else len(_thread_counts(context)))
    seconds = min(2.0, max(0.5, 0.3 * context.work_seconds / max(1, expected)))
    with context.open(
        reference.program, context.variant(reference.program, context.threads)
    ) as actor:
        for candidate in [reference, *(c for c in candidates if c is not reference)]:
            plan = _plan(context, candidate, by_throughput, candidate is candidates[0])
            _screen_all(context, entry, candidate, plan, reference, actor, seconds)
    _final(context, entry)
    return entry


def _reference(candidates: list[Candidate]) -> Candidate:
    """Whom the first pass compares with: a fast, steady program, so that its bursts are short."""
    steady = [c for c in candidates if c.program.precision == "f32"]
    for name in ("openvino", "onnxruntime"):
        for candidate in steady:
            if candidate.program.runtime == name:
                return candidate
    return candidates[0]


def _thread_counts(context: Context) -> tuple[int, ...]:
    """Thread counts to try: as asked, otherwise all cores, half of them, and one."""
    most = context.target.usable_cores
    return context.request.threads or tuple({most, max(1, most // 2), 1})


def _plan(context: Context, candidate: Candidate, by_throughput: bool, is_baseline: bool) -> Plan:
    batch = context.request.batch
    if by_throughput:
        largest = candidate.program.max_batch or MAX_BATCH
        return throughput_plan(
            context.threads, batch, max_streams=2 * context.threads, max_batch=largest
        )
    # What may not be chosen is timed once, so that the chart can show what it would have given.
    counts = (context.threads,) if candidate.reason else _thread_counts(context)
    return latency_plan(counts, batch, thorough=is_baseline)


def _screen_all(
    context: Context,
    entry: Field,
    candidate: Candidate,
    plan: Plan,
    reference: Candidate,
    actor: Actor,
    seconds: float,
) -> None:
    """First pass over the settings of one program."""
    setting = next(plan)
    while True:
        variant = context.variant(
            candidate.program, setting.threads, streams=setting.streams, batch=setting.batch
        )
        entry.variants[variant.id] = variant
        entry.owner[variant.id] = candidate
        context.progress.step(variant.id)
        answer: tuple[float, float] | None = None
        try:
            standing = _screen_one(context, candidate, variant, reference, actor, seconds)
            entry.standings[variant.id] = standing
            leader = max(s.speed.value for s in entry.standings.values())
            answer = (standing.speed.value, leader)
        except ParetuneError as error:
            entry.failed[variant.id] = str(error)
        try:
            setting = plan.send(answer)
        except StopIteration:
            return


def _screen_one(
    context: Context,
    candidate: Candidate,
    variant: Variant,
    reference: Candidate,
    actor: Actor,
    seconds: float,
) -> Standing:
    """A variant's standing, from the store where it was measured before."""
    key = {
        "program": candidate.key,
        "settings": [variant.threads, variant.streams, variant.batch],
        "reference": reference.key,
        "reference_threads": context.threads,
        "inputs": context.search.digest,
        "target": context.target.digest,
        "throughput": probe_of(context) is THROUGHPUT,
    }
    known = context.store.get("standing", key)
    if known is not None:
        context.reused += 1
        return Standing.model_validate(known)
    if context.work_seconds <= 0:
        raise ParetuneError("the budget ended before it was measured")
    opener = partial(context.open, candidate.program, variant)
    standing = screen(actor, opener, seconds=seconds, probe=probe_of(context))
    context.taken += 1
    context.store.put("standing", key, json.loads(standing.model_dump_json()))
    return standing


def probe_of(context: Context) -> Probe:
    """What this run's objective is decided by."""
    return THROUGHPUT if context.request.objective in ("throughput", "cost") else LATENCY


def _final(context: Context, entry: Field) -> None:
    """Second pass among the survivors that may be chosen."""
    admissible = {
        name: standing for name, standing in entry.standings.items() if not entry.owner[name].reason
    }
    names = survivors(admissible)
    if not names:
        return
    entry.winner = names[0]
    key = {
        "survivors": [[entry.owner[n].key, n] for n in sorted(names)],
        "inputs": context.search.digest,
        "target": context.target.digest,
        "objective": context.request.objective,
    }
    known = context.store.get("final", key)
    if known is not None:
        context.reused += 1
        entry.winner = str(known["winner"])
        return
    if len(names) == 1 or context.work_seconds <= 0:
        return
    context.progress.step(f"final of {len(names)}")
    openers: Mapping[str, Callable[[], Actor]] = {
        n: partial(context.open, entry.owner[n].program, entry.variants[n]) for n in names
    }
    seconds = min(20.0, max(2.0, 0.3 * context.work_seconds))
    outcome = final(openers, seconds=seconds, probe=probe_of(context))
    context.taken += 1
    entry.winner = outcome.winner
    context.store.put("final", key, {"winner": outcome.winner})
