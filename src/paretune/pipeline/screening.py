"""The race's first pass: every program's settings, each timed against one fixed program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from paretune.core import ParetuneError, Variant, WorkerError
from paretune.engine import Actor
from paretune.measure import LATENCY, THROUGHPUT, Probe, Standing, screen
from paretune.pipeline.context import Candidate, Context
from paretune.pipeline.plans import Plan, latency_plan, throughput_plan
from paretune.pipeline.racing import Field, probe_of

#: Largest batch worth trying for throughput.
MAX_BATCH = 32
#: Runtimes whose f32 program serves as the reference: fast and steady, so that bursts are short.
STEADY = ("openvino", "onnxruntime")
#: Seconds of timing a setting, least and most.
LEAST, MOST = 0.5, 2.0


class Screening:
    """Times candidates as they come; use as a context manager.

    The reference is the first steady f32 program that comes, and the baseline where none does;
    candidates that come before it wait for it.

    Args:
        context: the run.
        expected: programs that will come, to share the time among.

    `context` may be set to that of another model between two candidates.
    """

    def __init__(self, context: Context, expected: int) -> None:
        self.field = Field()
        self.context = context
        self._concurrent = probe_of(context) is THROUGHPUT
        settings = expected * (4 if self._concurrent else len(self._thread_counts))
        # Loading takes about as long as timing, so half the time is there for timing.
        share = 0.5 * context.left(context.shares.screened) / max(1, settings)
        self._seconds = min(MOST, max(LEAST, share))
        self._waiting: list[Candidate] = []
        self._baseline: Candidate | None = None
        self._reference: Candidate | None = None
        # The reference, open, by its thread count.
        self._actors: dict[int, Actor] = {}

    def enter(self, candidate: Candidate) -> None:
        """Time a candidate's settings; the baseline comes first."""
        if self._baseline is None:
            self._baseline = candidate
        self._waiting.append(candidate)
        program = candidate.program
        steady = program.precision == "f32" and program.runtime in STEADY
        if self._reference is None and steady:
            self._reference = candidate
        if self._reference is not None:
            self._time_waiting()

    def finish(self) -> Field:
        """Time whoever still waits, against the baseline where no reference came."""
        self._reference = self._reference or self._baseline
        self._time_waiting()
        return self.field

    def __enter__(self) -> Screening:
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self._actors.values():
            actor.close()

    @property
    def _thread_counts(self) -> tuple[int, ...]:
        """Thread counts to try: as asked, otherwise all cores, half of them, and one."""
        most = self.context.target.usable_cores
        return self.context.request.threads or tuple({most, max(1, most // 2), 1})

    def _reference_threads(self, variant: Variant) -> int:
        """As many as the variant has: where two cores get in each other's way, they do for both."""
        return self.context.threads if self._concurrent else variant.threads

    def _time_waiting(self) -> None:
        while self._waiting:
            self._time_all(self._waiting.pop(0))

    def _plan(self, candidate: Candidate) -> Plan:
        context, batch = self.context, self.context.request.batch
        if self._concurrent:
            largest = candidate.program.max_batch or MAX_BATCH
            return throughput_plan(
                context.threads, batch, max_streams=context.threads, max_batch=largest
            )
        # What may not be chosen is timed once, so that the chart can show what it would have given.
        counts = (context.threads,) if candidate.reason else self._thread_counts
        return latency_plan(counts, batch, thorough=candidate is self._baseline)

    def _time_all(self, candidate: Candidate) -> None:
        """Time the settings of one program as its plan asks."""
        plan = self._plan(candidate)
        setting = next(plan)
        must = candidate.must
        while True:
            variant = self.context.variant(
                candidate.program, setting.threads, streams=setting.streams, batch=setting.batch
            )
            self.context.progress.step(f"time {variant.id}")
            answer = self._time_one(candidate, variant, must)
            # A few thread counts are worth an overrun; a series of doublings is not.
            must = must and not self._concurrent
            try:
                setting = plan.send(answer)
            except StopIteration:
                return

    def _time_one(
        self, candidate: Candidate, variant: Variant, must: bool
    ) -> tuple[float, float] | None:
        """Enter a variant; its speed and the leader's, None where it failed."""
        entry = self.field
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
        context, reference = self.context, self._reference
        assert reference is not None
        threads = self._reference_threads(variant)
        key = {
            "program": candidate.key,
            "settings": [variant.threads, variant.streams, variant.batch],
            "reference": reference.key,
            "reference_threads": threads,
            "inputs": context.search.digest,
            "target": context.target.digest,
            "under_load": self._concurrent,
        }
        known = context.store.get("standing", key)
        if known is not None:
            context.reused += 1
            self.field.cached.add(variant.id)
            return Standing.model_validate(known)
        if context.left(context.shares.screened) <= 0 and not must:
            raise ParetuneError("the budget ended before it was measured")
        scale = self._scale(reference, threads)
        opener = partial(context.open, candidate.program, variant)
        standing = self._screened(reference, threads, opener, probe_of(context))
        standing = standing.model_copy(update={"speed": standing.speed.times(scale)})
        context.taken += 1
        context.store.put("standing", key, standing)
        return standing

    def _screened(
        self, reference: Candidate, threads: int, opener: Callable[[], Actor], probe: Probe
    ) -> Standing:
        """A standing against the reference; where that has died, once more with a fresh one."""

        def timed() -> Standing:
            actor = self._open(reference, threads)
            return screen(actor, opener, seconds=self._seconds, probe=probe)

        try:
            return timed()
        except WorkerError:
            if self._answers(threads):
                raise
            # All others are timed against it, too.
            self._actors.pop(threads).close()
        return timed()

    def _answers(self, threads: int) -> bool:
        """Whether there is no reference on so many threads that has died."""
        try:
            return threads not in self._actors or bool(self._actors[threads].call("batch"))
        except WorkerError:
            return False

    def _scale(self, reference: Candidate, threads: int) -> float:
        """Speed of the reference on so many threads over its speed on one, measured once."""
        if self._concurrent or threads == 1:
            return 1.0
        context = self.context
        key = {
            "reference": reference.key,
            "threads": threads,
            "inputs": context.search.digest,
            "target": context.target.digest,
        }
        known = context.store.get("reference-scale", key)
        if known is None:
            setting = context.variant(reference.program, threads)
            opener = partial(context.open, reference.program, setting)
            standing = self._screened(reference, 1, opener, LATENCY)
            known = {"speed": standing.speed.value}
            context.store.put("reference-scale", key, known)
        return float(known["speed"])

    def _open(self, reference: Candidate, threads: int) -> Actor:
        """The reference on so many threads, opened when first needed: the store may hold all."""
        if threads not in self._actors:
            setting = self.context.variant(reference.program, threads)
            self._actors[threads] = self.context.open(reference.program, setting)
        return self._actors[threads]
