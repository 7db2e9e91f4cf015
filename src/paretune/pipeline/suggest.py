"""`suggest()`: which known networks fit this machine, before anyone trains one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from paretune.core import (
    Constraint,
    Estimate,
    InputError,
    Progress,
    VariantRecord,
    measured,
    parse_constraint,
)
from paretune.engine import Engine, machine
from paretune.pipeline.frontier import RECORDS, frontier
from paretune.report.hardware.suggestion import Suggested, Suggestion
from paretune.store import Store, key_digest, paths, records

#: Figures that a network has before it is trained on the user's data.
FIGURES = ("latency_p50", "latency_p95", "latency_p99", "throughput", "size", "memory")


def suggest(
    *,
    data_like: Sequence[int],
    classes: int,
    constraints: Sequence[str],
    preset_name: str = "imagenet-cpu",
    precisions: Sequence[str] = (),
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> Suggestion:
    """Measure a preset's networks for such data here, or find them measured.

    Args:
        data_like: (C, H, W) of one sample.
        classes: how many there are.
        constraints: such as `latency <= 5 ms`; about speed, size or memory, and absolute.
        preset_name: of `paretune.pipeline.presets`.
        precisions: to measure; all that OpenVINO offers here by default.
        progress: told what happens.
        engine: where work runs.
        store: programs that are already known.

    Raises:
        InputError: no image's shape, fewer than two classes, or a constraint that cannot be judged
            before training.
    """
    if len(data_like) != 3 or min(data_like) < 1:
        raise InputError(f"{tuple(data_like)} is no shape of an image: give 3x224x224")
    if classes < 2:
        raise InputError(f"{classes} classes are none to tell apart: give --classes 2 or more")
    asked = [_checked(text) for text in constraints]
    target = machine.detect()
    key = {
        "preset": preset_name,
        "shape": list(data_like),
        "classes": classes,
        "precisions": list(precisions),
        "target": target.digest,
    }
    folder = paths.home() / "frontiers" / f"{preset_name}-{key_digest(key)[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    found = frontier(
        preset_name=preset_name,
        input_shape=data_like,
        classes=classes,
        precisions=precisions,
        out=folder,
        resume=folder.exists(),
        progress=progress,
        engine=engine,
        store=store,
    )
    variants = {
        variant.id: variant
        for name in {point.record for point in found.points}
        for variant in records.read(folder / RECORDS / f"{name}.json").variants
    }
    best: dict[str, Suggested] = {}
    for point in found.points:
        variant = variants[point.variant]
        one = Suggested(
            model=f"timm:{variant.architecture}",
            family=point.family,
            top1=point.accuracy,
            variant=variant.id,
            precision=variant.precision,
            latency_ms=Estimate(value=point.ms, ci95=point.ci95),
            size_mb=point.size_mb,
            fits=all(_met(constraint, variant) for constraint in asked),
        )
        known = best.get(one.model)
        if known is None or _rank(one) < _rank(known):
            best[one.model] = one
    networks = sorted(best.values(), key=lambda one: (not one.fits, -one.top1))
    return Suggestion(
        target=target,
        networks=tuple(networks),
        left_out=found.left_out,
        conditions=found.conditions,
    )


def _rank(one: Suggested) -> tuple[bool, float]:
    """Of one network's variants, the best first: those that fit, then the fastest."""
    return not one.fits, one.latency_ms.value


def _met(constraint: Constraint, variant: VariantRecord) -> bool:
    value = measured(variant, constraint.metric)
    return value is not None and math.isfinite(value) and constraint.satisfied(value, None)


def _checked(text: str) -> Constraint:
    """A constraint that can be judged of a network that is not trained yet."""
    constraint = parse_constraint(text)
    if constraint.needs_baseline:
        raise InputError(f"constraint {text!r} has no baseline here: give an absolute bound")
    if constraint.metric not in FIGURES:
        raise InputError(
            f"constraint {text!r} cannot be judged before training: give one about latency, "
            "throughput, size or memory"
        )
    return constraint
