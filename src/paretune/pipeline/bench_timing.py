"""How a bench times its variants: in interleaved groups, or one by one up to saturation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from paretune.core import BenchRatio, Estimate, ParetuneError, Progress, VariantRecord
from paretune.engine import Actor
from paretune.measure import LATENCY, THROUGHPUT, Comparison, compare, saturate
from paretune.pipeline.context import Context
from paretune.pipeline.entrants import Entrant, Entrants

#: Variants timed together; the baseline is one of every group, so that all are compared with it.
GROUP = 5
#: Of a GPU's memory, MB for each variant timed together, where that allows for more of them.
GPU_MB = 4000.0


def time_all(
    entrants: Entrants, reference: str | None, seconds: float, starts: int, told: Progress
) -> tuple[list[VariantRecord], tuple[BenchRatio, ...]]:
    """Compare everything in groups that each contain the reference.

    Latency is timed, but throughput in a group in which a variant has several streams. Of those
    the record has no latency: what a call takes depends on how many others there are. One that
    fails, though it could be opened by itself, is recorded with its reason.
    """
    contexts = [entrant.context for entrant in entrants.ready.values()]
    together = min((context.openings for context in contexts), default=1)
    found: dict[str, Comparison] = {}
    failed: dict[str, str] = {}
    ratios: dict[str, BenchRatio] = {}

    def timed(names: Sequence[str]) -> None:
        several = any(entrants.ready[name].variant.streams > 1 for name in names)
        openers = {
            name: partial(one.context.open, one.program, one.variant)
            for name, one in ((name, entrants.ready[name]) for name in names)
        }
        comparison = compare(
            openers,
            seconds=seconds * len(names),
            starts=starts,
            probe=THROUGHPUT if several else LATENCY,
            together=together,
            progress=told,
        )
        for name in names:
            found.setdefault(name, comparison)
            if reference in names and name != reference:
                ratios[name] = BenchRatio(id=name, latency=comparison.ratio(str(reference), name))

    streams = {name: entrant.variant.streams for name, entrant in entrants.ready.items()}
    for group in groups(streams, reference, group_step(contexts)):
        try:
            timed(group)
        except ParetuneError as error:
            told.note(f"{', '.join(group)} could not be timed together ({error}): one by one now")
            for name in group:
                lead = [reference] if reference in group and name != reference else []
                try:
                    timed([one for one in (*lead, name) if one and one not in failed])
                except ParetuneError as alone:
                    failed[name] = f"timing it failed: {alone}"
    records = [
        _record(entrant, name, found[name])
        if name in found
        else VariantRecord.of(entrant.variant, "failed", failed[name])
        for name, entrant in entrants.ready.items()
    ]
    return records, tuple(ratios[name] for name in entrants.ready if name in ratios)


def groups(streams: Mapping[str, int], reference: str | None, step: int) -> list[list[str]]:
    """Who is timed together: variants of one stream apart from those of several.

    Args:
        streams: of every variant.
        reference: one of them, which heads every group, its own kind's first; None for the first
            of each kind.
        step: how many others a group has.
    """
    kinds = [[n for n in streams if (streams[n] > 1) == several] for several in (False, True)]
    if reference is not None:
        kinds.sort(key=lambda names: reference not in names)
    made = []
    for names in kinds:
        lead = reference if reference is not None else next(iter(names), None)
        others = [name for name in names if name != lead]
        if lead in names and not others:
            made.append(list(names))
        made += [
            [str(lead), *others[start : start + step]] for start in range(0, len(others), step)
        ]
    return made


def group_step(contexts: Iterable[Context]) -> int:
    """How many variants a group has beside the one that all groups have in common."""
    return min(map(group_size, contexts), default=GROUP) - 1


def group_size(context: Context) -> int:
    """How many variants of a bench are timed together."""
    if context.device == "cpu":
        return GROUP
    return max(GROUP, int(context.target.gpus[0].memory_mb / GPU_MB))


def _record(entrant: Entrant, name: str, found: Comparison) -> VariantRecord:
    """A variant's record from the comparison it took part in."""
    throughput = found.throughput(name)
    return VariantRecord.of(entrant.variant, "ok").model_copy(
        update={
            "latency_ms": found.latency(name) if entrant.variant.streams == 1 else None,
            "throughput_per_s": throughput.value,
            "throughput_ci95": throughput.ci95,
            "peak_memory_mb": found.peak_memory_mb[name],
            "size_mb": entrant.program.size_mb,
            "accuracy": entrant.score,
        }
    )


def saturate_all(entrants: Entrants, seconds: float, told: Progress) -> list[VariantRecord]:
    """For every variant, streams doubled until throughput stops growing: one record a size."""
    records: list[VariantRecord] = []
    for entrant in entrants.ready.values():
        limit = entrant.variant.threads  # a stream needs a thread of its own
        sizes = saturate(partial(_open_with, entrant), limit=limit, seconds=seconds, progress=told)
        for size, rate, best in _until_one_fails(sizes, entrant, records):
            variant = entrant.variant.model_copy(update={"streams": size})
            reason = "" if best else "saturated: no more throughput than fewer streams"
            records.append(
                VariantRecord.of(variant, "ok", reason).model_copy(
                    update={
                        "throughput_per_s": rate.value,
                        "throughput_ci95": rate.ci95,
                        "size_mb": entrant.program.size_mb,
                        "accuracy": entrant.score,
                    }
                )
            )
    return records


def _until_one_fails(
    sizes: Iterator[tuple[int, Estimate, bool]], entrant: Entrant, records: list[VariantRecord]
) -> Iterator[tuple[int, Estimate, bool]]:
    """What was measured before a size failed, which is recorded with its reason."""
    following = 1
    try:
        for size, rate, best in sizes:
            yield size, rate, best
            following = 2 * size
    except ParetuneError as error:
        variant = entrant.variant.model_copy(update={"streams": following})
        records.append(VariantRecord.of(variant, "failed", f"timing it failed: {error}"))


def _open_with(entrant: Entrant, streams: int) -> Actor:
    """A process of the entrant's program with so many streams."""
    variant = entrant.variant.model_copy(update={"streams": streams})
    return entrant.context.open(entrant.program, variant)
