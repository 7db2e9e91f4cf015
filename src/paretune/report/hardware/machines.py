"""The same subjects on several machines: who is fastest where, and whose order turns round."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from paretune.artifact.headline import describe
from paretune.core import BenchRecord, Ci95, InputError, Noun, Target, VariantRecord
from paretune.report.hardware.subjects import call_ms, model_name

By = Literal["model", "variant"]

#: A difference of published figures, which have no interval, that may be chance.
UNCERTAIN = 0.05


class Standing(Noun):
    """One subject on one machine.

    Attributes:
        variant: id of what was timed.
        how: its runtime, precision and recipe.
        ms: milliseconds of a call: the median; of a published table the mean.
        ci95: of `ms`; None where a published table has none.
        rank: 1 is the fastest of the subjects with this batch on this machine.
    """

    variant: str
    how: str
    ms: float
    ci95: Ci95 | None
    rank: int


class Subject(Noun):
    """A model, or a variant, with one batch on every machine; None where it was not measured."""

    name: str
    batch: int
    standings: tuple[Standing | None, ...]


class Reversal(Noun):
    """Two subjects whose order differs between two machines, with no interval in doubt.

    Attributes:
        first, second: names; `first` is faster on machine `here`, `second` on `there`.
        here, there: indices of machines.
        factors: how many times as fast the faster one is, here and there.
    """

    first: str
    second: str
    here: int
    there: int
    factors: tuple[float, float]


class Machines(Noun):
    """Several machines' records side by side.

    Attributes:
        names: of the machines, in order.
        targets: what they are.
        origins: `measured`, or where a published table comes from.
        by: what a subject is.
        subjects: by batch, fastest first on the first machine, then those that it lacks.
        reversals: every pair of one batch whose order turns round, the largest difference first.
        agreement: Spearman's rank correlation of each machine with the first, over what both have,
            mean of the batches; None under three subjects.
        left_out: what was not compared, one sentence each.
    """

    names: tuple[str, ...]
    targets: tuple[Target, ...]
    origins: tuple[str, ...]
    by: By
    subjects: tuple[Subject, ...]
    reversals: tuple[Reversal, ...]
    agreement: tuple[float | None, ...]
    left_out: tuple[str, ...] = ()


def machines(
    records: Mapping[str, BenchRecord],
    *,
    by: By | None = None,
    precision: str | None = None,
    only: Sequence[str] = (),
) -> Machines:
    """Compare what was measured on several machines.

    Of variants that differ in nothing but threads, and of a model's variants, the fastest counts on
    each machine. Compared is what all machines have in common: precisions and batch sizes that one
    of them lacks are left out, and said so.

    Args:
        records: by the name of the machine, at least two.
        by: `model` compares every model's fastest variants, `variant` each variant with itself; by
            default models where there are several.
        precision: only this one.
        only: texts; a subject is compared where its name holds one of them, all by default.

    Raises:
        InputError: fewer than two records, or they have no precision or batch in common.
    """
    if len(records) < 2:
        raise InputError("a comparison needs at least two records: give two files")
    timed = {
        name: [v for v in record.variants if v.status == "ok" and call_ms(v) is not None]
        for name, record in records.items()
    }
    for name, variants in timed.items():
        if not variants:
            raise InputError(f"{name} holds no variant that was timed: run bench again")
    left_out: list[str] = []
    if precision is None:
        timed = _common(timed, "precision", left_out)
    else:
        timed = {n: [v for v in vs if v.precision == precision] for n, vs in timed.items()}
        lacking = [name for name, variants in timed.items() if not variants]
        if lacking:
            raise InputError(f"{lacking[0]} holds nothing in {precision}: give another --precision")
    timed = _common(timed, "batch", left_out)
    every = [variant for variants in timed.values() for variant in variants]
    if by is None:
        by = "model" if len({v.architecture for v in every}) > 1 else "variant"
    batches = len({v.batch for v in every}) > 1
    best = {n: _fastest(records[n], vs, by, batches) for n, vs in timed.items()}
    if only:
        best = {
            machine: {n: v for n, v in found.items() if any(text in n for text in only)}
            for machine, found in best.items()
        }
        if not any(best.values()):
            raise InputError(f"no {by} in the records is named like {', '.join(only)}")
    subjects = _subjects(best)
    return Machines(
        names=tuple(records),
        targets=tuple(record.target for record in records.values()),
        origins=tuple(
            f"published: {r.source}" if r.origin == "published" else r.origin
            for r in records.values()
        ),
        by=by,
        subjects=subjects,
        reversals=_reversals(subjects),
        agreement=_agreement(subjects),
        left_out=tuple(left_out),
    )


def _common(
    timed: Mapping[str, list[VariantRecord]], field: str, left_out: list[str]
) -> dict[str, list[VariantRecord]]:
    """Variants whose `field` every machine has.

    Raises:
        InputError: there is none.
    """
    have = {name: {getattr(v, field) for v in variants} for name, variants in timed.items()}
    common = set.intersection(*have.values())
    if not common:
        said = "; ".join(f"{name} has {_words(values)}" for name, values in have.items())
        raise InputError(
            f"the records have no {field} in common, so nothing in them can be compared: {said}"
        )
    for name, values in have.items():
        if values - common:
            left_out.append(
                f"{field} {_words(values - common)} of {name}: another machine has none"
            )
    return {n: [v for v in vs if getattr(v, field) in common] for n, vs in timed.items()}


def _words(values: Iterable[object]) -> str:
    return ", ".join(sorted(str(value) for value in values))


def _fastest(
    record: BenchRecord, variants: Iterable[VariantRecord], by: By, batches: bool
) -> dict[str, VariantRecord]:
    """The fastest variant of every subject, by the subject's name."""
    found: dict[str, VariantRecord] = {}
    for variant in variants:
        parts = [model_name(record, variant.architecture)]
        if by == "variant":
            parts += [variant.runtime, variant.precision, variant.recipe]
            parts += [variant.device] if variant.device != "cpu" else []
        parts += [f"batch {variant.batch}"] if batches else []
        name = " ".join(part for part in parts if part)
        if name not in found or _ms(variant) < _ms(found[name]):
            found[name] = variant
    return found


def _ms(variant: VariantRecord) -> float:
    found = call_ms(variant)
    assert found is not None
    return found[0]


def _subjects(best: Mapping[str, dict[str, VariantRecord]]) -> tuple[Subject, ...]:
    """Every subject, ranked on each machine among those with its batch."""
    batches: dict[int, list[str]] = {}
    for found in best.values():
        for name in sorted(found, key=lambda n: _ms(found[n])):
            of_batch = batches.setdefault(found[name].batch, [])
            if name not in of_batch:
                of_batch.append(name)

    times = {
        (machine, batch): sorted(_ms(found[name]) for name in names if name in found)
        for machine, found in best.items()
        for batch, names in batches.items()
    }

    def standing(machine: str, name: str) -> Standing | None:
        found = best[machine]
        timed = call_ms(found[name]) if name in found else None
        if timed is None:
            return None
        return Standing(
            variant=found[name].id,
            how=describe(found[name]),
            ms=timed[0],
            ci95=timed[1],
            rank=1 + bisect_left(times[machine, found[name].batch], timed[0]),
        )

    return tuple(
        Subject(
            name=name,
            batch=batch,
            standings=tuple(standing(machine, name) for machine in best),
        )
        for batch, names in sorted(batches.items())
        for name in names
    )


def _agreement(subjects: tuple[Subject, ...]) -> tuple[float | None, ...]:
    from scipy.stats import spearmanr

    found: list[float | None] = []
    for other in range(len(subjects[0].standings)):
        pairs: dict[int, list[tuple[float, float]]] = {}
        for subject in subjects:
            here, there = subject.standings[0], subject.standings[other]
            if here is not None and there is not None:
                pairs.setdefault(subject.batch, []).append((here.ms, there.ms))
        # Under three there is one order or its reverse.
        of_batches = [
            float(spearmanr(*zip(*some, strict=True))[0])
            for some in pairs.values()
            if len(some) > 2
        ]
        found.append(float(np.mean(of_batches)) if of_batches else None)
    return tuple(found)


def _reversals(subjects: tuple[Subject, ...]) -> tuple[Reversal, ...]:
    """Pairs of one batch whose order differs between two machines, beyond both intervals."""
    found = []
    for one, other in itertools.combinations(subjects, 2):
        if one.batch != other.batch:
            continue
        factors = [_factor(a, b) for a, b in zip(one.standings, other.standings, strict=True)]
        for here, there in itertools.combinations(range(len(factors)), 2):
            before, after = factors[here], factors[there]
            if before is None or after is None or (before > 1) == (after > 1):
                continue
            first, second = (one, other) if before > 1 else (other, one)
            sizes = tuple(max(f, 1 / f) for f in (before, after))
            found.append(
                Reversal(
                    first=first.name,
                    second=second.name,
                    here=here,
                    there=there,
                    factors=(sizes[0], sizes[1]),
                )
            )
    return tuple(sorted(found, key=lambda r: -r.factors[0] * r.factors[1]))


def _factor(one: Standing | None, other: Standing | None) -> float | None:
    """How many times as fast one is as the other; None where that is in doubt."""
    if one is None or other is None:
        return None
    if one.ci95 is not None and other.ci95 is not None:
        apart = one.ci95[1] < other.ci95[0] or other.ci95[1] < one.ci95[0]
    else:
        apart = abs(np.log(one.ms / other.ms)) > np.log1p(UNCERTAIN)
    return other.ms / one.ms if apart else None
