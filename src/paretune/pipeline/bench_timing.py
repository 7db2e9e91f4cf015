"""How a bench times its variants: in interleaved groups, or one by one up to saturation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from paretune.core import BenchRatio, Progress, VariantRecord
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
    """Compare everything in groups that each contain the reference."""
    names = list(entrants.ready)
    anchor = reference or (names[0] if names else None)
    others = [name for name in names if name != anchor]
    found: dict[str, Comparison] = {}
    ratios = []
    contexts = [entrant.context for entrant in entrants.ready.values()]
    step = group_step(contexts)
    together = min((context.openings for context in contexts), default=1)
    for start in range(0, max(len(others), 1), step):
        group = [n for n in (anchor, *others[start : start + step]) if n is not None]
        concurrent = any(entrants.ready[n].variant.streams > 1 for n in group)
        openers = {
            n: partial(e.context.open, e.program, e.variant)
            for n, e in ((n, entrants.ready[n]) for n in group)
        }
        probe = THROUGHPUT if concurrent else LATENCY
        total = seconds * len(group)
        comparison = compare(
            openers,
            seconds=total,
            starts=starts,
            probe=probe,
            together=together,
            progress=told,
        )
        found |= {name: comparison for name in group if name not in found}
        if reference is not None:
            ratios += [
                BenchRatio(id=name, latency=comparison.ratio(reference, name))
                for name in group
                if name != reference
            ]
    return [_record(entrants.ready[n], n, found[n]) for n in names], tuple(ratios)


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
            "latency_ms": found.latency(name) if found.timed(name) else None,
            "throughput_per_s": throughput.value,
            "throughput_ci95": throughput.ci95,
            "peak_memory_mb": found.peak_memory_mb[name],
            "size_mb": entrant.program.size_mb,
            "accuracy": entrant.score,
        }
    )


def saturate_all(entrants: Entrants, seconds: float, told: Progress) -> list[VariantRecord]:
    """For every variant, streams doubled until throughput stops growing: one record a size."""
    records = []
    for entrant in entrants.ready.values():
        limit = entrant.variant.threads  # a stream needs a thread of its own
        opener = partial(_open_with, entrant)
        for size, rate, best in saturate(opener, limit=limit, seconds=seconds, progress=told):
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


def _open_with(entrant: Entrant, streams: int) -> Actor:
    """A process of the entrant's program with so many streams."""
    variant = entrant.variant.model_copy(update={"streams": streams})
    return entrant.context.open(entrant.program, variant)
