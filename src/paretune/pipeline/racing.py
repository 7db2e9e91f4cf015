"""The race over the joint space: programs x threads x streams x batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from paretune.core import InputError, ParetuneError, Variant, VariantRecord
from paretune.engine import Actor
from paretune.measure import LATENCY, THROUGHPUT, Probe, Standing, final, screen, survivors
from paretune.pipeline.context import RACED_BY, Candidate, Context
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
        cached: ids whose standing came from the store.
        winner: id of the fastest that may be chosen, empty when none may.
    """

    owner: dict[str, Candidate] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
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
                "cached": name in self.cached,
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
    seconds = min(2.0, max(0.5, 0.8 * context.left(RACED_BY) / max(1, expected)))
    baseline = candidates[0]
    first = [reference, baseline] if reference is not baseline else [baseline]
    others = [candidate for candidate in candidates if candidate not in first]
    variant = context.variant(reference.program, context.threads)
    with context.open(reference.program, variant) as actor:
        screening = _Screening(context, entry, reference, actor, seconds)
        for candidate in first + others:
            plan = _plan(context, candidate, by_throughput, candidate is baseline)
            screening.try_all(candidate, plan, must=candidate is baseline)
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


@dataclass
class _Screening:
    """The first pass: everything against one reference that stays loaded."""

    context: Context
    entry: Field
    reference: Candidate
    actor: Actor
    seconds: float

    def try_all(self, candidate: Candidate, plan: Plan, *, must: bool) -> None:
        """Time the settings of one program as its plan asks; `must` ignores the budget."""
        setting = next(plan)
        while True:
            variant = self.context.variant(
                candidate.program, setting.threads, streams=setting.streams, batch=setting.batch
            )
            self.context.progress.step(variant.id)
            answer = self._try_one(candidate, variant, must)
            # A few thread counts are worth an overrun; a series of doublings is not.
            must = must and probe_of(self.context) is LATENCY
            try:
                setting = plan.send(answer)
            except StopIteration:
                return

    def _try_one(
        self, candidate: Candidate, variant: Variant, must: bool
    ) -> tuple[float, float] | None:
        """Enter a variant; its speed and the leader's, None where it failed."""
        entry = self.entry
        entry.variants[variant.id] = variant
        entry.owner[variant.id] = candidate
        try:
            standing = self._standing(candidate, variant, must)
        except ParetuneError as error:
            entry.failed[variant.id] = str(error)
            return None
        entry.standings[variant.id] = standing
        return standing.speed.value, max(s.speed.value for s in entry.standings.values())

    def _standing(self, candidate: Candidate, variant: Variant, must: bool) -> Standing:
        """A variant's standing, from the store where it was measured before."""
        context = self.context
        key = {
            "program": candidate.key,
            "settings": [variant.threads, variant.streams, variant.batch],
            "reference": self.reference.key,
            "reference_threads": context.threads,
            "inputs": context.search.digest,
            "target": context.target.digest,
            "throughput": probe_of(context) is THROUGHPUT,
        }
        known = context.store.get("standing", key)
        if known is not None:
            context.reused += 1
            self.entry.cached.add(variant.id)
            return Standing.model_validate(known)
        if context.left(RACED_BY) <= 0 and not must:
            raise ParetuneError("the budget ended before it was measured")
        opener = partial(context.open, candidate.program, variant)
        standing = screen(self.actor, opener, seconds=self.seconds, probe=probe_of(context))
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
    if len(names) == 1 or context.left(RACED_BY) <= 0:
        return
    context.progress.step(f"final of {len(names)}")
    openers: Mapping[str, Callable[[], Actor]] = {
        n: partial(context.open, entry.owner[n].program, entry.variants[n]) for n in names
    }
    seconds = min(20.0, max(2.0, 0.5 * context.left(RACED_BY)))
    try:
        outcome = final(openers, seconds=seconds, probe=probe_of(context))
    except ParetuneError as error:
        context.tell("fallback", f"the final race broke off, so the first pass decides: {error}")
        return
    context.taken += 1
    entry.winner = outcome.winner
    context.store.put("final", key, {"winner": outcome.winner})
