"""The figures a result is quoted by: compared afresh, whatever the store holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from paretune.core import (
    Estimate,
    LayerTime,
    ParetuneError,
    Ratios,
    VariantRecord,
)
from paretune.measure import Comparison, compare
from paretune.pipeline.context import Context
from paretune.pipeline.racing import Field, probe_of
from paretune.pipeline.verdict import BY_SPEED, behind

#: Timing time of the comparison at most, all starts together.
COMPARE_SECONDS = 20.0
#: Repeated bursts that disagree by more than this make a machine worth a warning.
NOISY = 0.05
#: Starts that differ by more than this, median over variants.
DRIFTING = 0.10
#: The store's figure and today's may differ by this before the user is told.
STALE = 0.10


@dataclass(frozen=True)
class Claims:
    """What the final comparison found.

    Attributes:
        ratios: of the chosen variant.
        best: id of the best compiled baseline, the way it was faster.
        records: the compared variants with their final figures, by id.
        starts: fresh starts that were made.
    """

    ratios: Ratios
    best: str
    records: dict[str, VariantRecord]
    starts: int


def claim(
    context: Context,
    entry: Field,
    records: dict[str, VariantRecord],
    *,
    baseline: str,
    chosen: str,
    best: str,
    look: Callable[[], object],
) -> Claims:
    """Compare baseline, chosen, best compiled baseline and best f32, interleaved.

    How many threads a reference runs best with was decided when it raced, perhaps an hour ago, and
    the machine may have changed since. So it runs with the chosen variant's, too, and the faster
    way counts.

    Args:
        context: the run.
        entry: the race, for programs and settings.
        records: every variant's record.
        baseline: id of the model as it came.
        chosen: id of the variant handed back.
        best: id of the best compiled baseline, as it raced.
        look: called after each start, to watch the machine.
    """
    compiled = _ways(entry, best, chosen)
    plain = _ways(entry, _best_f32(entry, records), chosen)
    names = list(dict.fromkeys([baseline, chosen, *compiled, *plain]))
    openers = {n: partial(context.open, entry.owner[n].program, entry.variants[n]) for n in names}
    limit = context.left(context.shares.compared)
    seconds = min(COMPARE_SECONDS, max(2.0, 0.4 * limit))
    found = compare(
        openers,
        seconds=seconds,
        limit=limit,
        probe=probe_of(context),
        progress=context.progress,
        after_start=look,
    )
    _judge_machine(context, found, records)
    best = min(compiled, key=lambda name: _against(found, name, chosen).value)
    best_f32 = min(plain, key=lambda name: _against(found, name, chosen).value)
    return Claims(
        ratios=Ratios(
            latency_vs_baseline=found.ratio(baseline, chosen),
            latency_vs_best_compiled_baseline=_against(found, best, chosen),
            latency_vs_best_f32=_against(found, best_f32, chosen),
        ),
        best=best,
        records={name: _final_record(context, found, records[name], chosen) for name in names},
        starts=len(found.starts),
    )


def _ways(entry: Field, name: str, chosen: str) -> list[str]:
    """A variant, and the same program with the chosen one's settings where that was raced."""
    settings = entry.variants[chosen]
    alike = [
        other
        for other, variant in entry.variants.items()
        if entry.owner[other] is entry.owner[name]
        and (variant.threads, variant.streams, variant.batch)
        == (settings.threads, settings.streams, settings.batch)
        and other in entry.standings
    ]
    return [name] if name == chosen else list(dict.fromkeys([name, *alike]))


def _against(found: Comparison, reference: str, chosen: str) -> Estimate:
    """A ratio, exactly 1 where both are the same variant."""
    if reference == chosen:
        return Estimate(value=1.0, ci95=(1.0, 1.0))
    return found.ratio(reference, chosen)


def _best_f32(entry: Field, records: dict[str, VariantRecord]) -> str:
    """Id of the fastest f32 variant that was measured."""
    plain = [
        name
        for name, record in records.items()
        if record.precision == "f32" and name in entry.standings
    ]
    return max(plain, key=lambda name: entry.standings[name].speed.value)


def _final_record(
    context: Context, found: Comparison, record: VariantRecord, chosen: str
) -> VariantRecord:
    """The record with the comparison's figures in place of the race's."""
    name, reason = record.id, record.reason
    throughput = found.throughput(name)
    if name != chosen and record.status == "ok" and context.request.objective in BY_SPEED:
        ratio = found.ratio(name, chosen)
        reason = behind(ratio.value, shown=not ratio.ci95[0] <= 1 <= ratio.ci95[1])
    return record.model_copy(
        update={
            "reason": reason,
            "latency_ms": found.latency(name),
            "throughput_per_s": throughput.value,
            "throughput_ci95": throughput.ci95,
            "peak_memory_mb": found.peak_memory_mb[name],
        }
    )


def _judge_machine(context: Context, found: Comparison, records: dict[str, VariantRecord]) -> None:
    """Tell of noise, of drift between starts, and of figures in the store that no longer hold."""
    if found.noise > NOISY:
        context.tell(
            "noise",
            f"the machine is noisy: repeated bursts of one variant differ by {found.noise:.0%} "
            "(median), so absolute times are rough; the ratios are interleaved and hold",
        )
    if found.drift > DRIFTING:
        context.tell(
            "frequency",
            f"the machine's speed changed by {found.drift:.0%} between starts of the same variant",
        )
    for name in found.peak_memory_mb:
        before, rate = records[name].throughput_per_s, found.throughput(name).value
        if before is not None and abs(rate / before - 1) > max(STALE, 2 * found.noise):
            context.tell(
                "drift",
                f"{name} now does {rate / before:.2f}x the rate it raced at: "
                "the figures of variants that were not compared again may be off by as much",
            )


def layer_times(
    context: Context, entry: Field, names: list[str]
) -> dict[str, tuple[LayerTime, ...]]:
    """Per-layer times of each, told where a runtime does not give them or the budget is spent."""
    found: dict[str, tuple[LayerTime, ...]] = {}
    for name in dict.fromkeys(names):
        if context.left() <= 0:
            context.tell("fallback", f"no per-layer times of {name}: the budget ended")
            continue
        context.progress.step(f"layers of {name}")
        try:
            with context.open(
                entry.owner[name].program, entry.variants[name], profile=True
            ) as host:
                found[name] = tuple(host.call("layers"))
        except ParetuneError as error:
            context.tell("fallback", f"no per-layer times of {name}: {error}")
    return found
