"""The race over the joint space: who runs in it, and its second pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from paretune.core import UNDER_LOAD, Estimate, InputError, ParetuneError, Variant, VariantRecord
from paretune.engine import Actor
from paretune.measure import LATENCY, THROUGHPUT, Probe, Standing, final, survivors
from paretune.pipeline.context import Candidate, Context

#: Timing time of the final race at most: more would not tell finalists apart.
FINAL_SECONDS = 20.0


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

    def correct(self, records: Mapping[str, VariantRecord]) -> None:
        """Put later figures of some variants in place of those they raced with.

        Args:
            records: by id; with a latency and a throughput.
        """
        for name, record in records.items():
            rate, sure = record.throughput_per_s, record.throughput_ci95
            assert record.latency_ms is not None
            assert rate is not None
            assert sure is not None
            self.standings[name] = self.standings[name].model_copy(
                update={
                    "latency": record.latency_ms,
                    "throughput": Estimate(value=rate, ci95=sure),
                    "peak_memory_mb": record.peak_memory_mb,
                }
            )

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


def probe_of(context: Context) -> Probe:
    """What this run's objective is decided by."""
    return THROUGHPUT if context.request.objective in UNDER_LOAD else LATENCY


def race_survivors(context: Context, entry: Field) -> None:
    """Second pass: the survivors that may be chosen, together; sets `winner`."""
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
    if len(names) == 1 or context.left(context.shares.raced) <= 0:
        return
    context.progress.step(f"final of {len(names)}")
    openers: Mapping[str, Callable[[], Actor]] = {
        n: partial(context.open, entry.owner[n].program, entry.variants[n]) for n in names
    }
    seconds = min(FINAL_SECONDS, max(2.0, 0.5 * context.left(context.shares.raced)))
    try:
        outcome = final(openers, seconds=seconds, probe=probe_of(context))
    except ParetuneError as error:
        context.tell("fallback", f"the final race broke off, so the first pass decides: {error}")
        return
    context.taken += 1
    entry.winner = outcome.winner
    context.store.put("final", key, {"winner": outcome.winner})
