"""Many models on one machine: latency against accuracy, and which of them nobody beats."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

from paretune.core import BenchRecord, Ci95, Condition, Noun, Target, VariantRecord
from paretune.report.frontier import pareto
from paretune.report.hardware.subjects import model_name

#: Metrics whose scores are drawn; older records do not name it.
TOP1 = ("", "top1")


class Known(Noun):
    """What is published of a model: top-1 accuracy as a fraction, its family, and the source."""

    top1: float
    family: str
    source: str


class ModelPoint(Noun):
    """The fastest variant of one model in one precision.

    Attributes:
        model: its name as records write it.
        family: networks of one design.
        record: which record it comes from.
        variant: its id there.
        precision: what it computes in.
        ms: median latency of a call with one sample, milliseconds.
        ci95: of `ms`.
        accuracy: a fraction.
        accuracy_ci95: None where it is published.
        source: where the accuracy comes from: `measured`, or a publication.
        data: what it was measured on; empty where it is published, or an older record keeps quiet.
        size_mb: on disk.
        own: whether it is the user's and not part of a preset.
    """

    model: str
    family: str
    record: str
    variant: str
    precision: str
    ms: float
    ci95: Ci95
    accuracy: float
    accuracy_ci95: Ci95 | None
    source: str
    data: str = ""
    size_mb: float | None
    own: bool

    @property
    def scale(self) -> str:
        """Accuracies of one scale compare: published ones, and those measured on the same data."""
        return f"measured on {self.data or 'data'}" if self.source == "measured" else "published"


class ModelFrontier(Noun):
    """Models on one machine.

    Attributes:
        target: the machine.
        points: fastest first.
        frontier: ids of the variants that no other of its scale beats in latency and accuracy.
        left_out: models without a point, and why.
        conditions: what a reader of the figures should know.
    """

    target: Target
    points: tuple[ModelPoint, ...]
    frontier: tuple[str, ...]
    left_out: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()

    @property
    def scales(self) -> tuple[str, ...]:
        """Of all points; more than one where accuracies do not compare."""
        return tuple(dict.fromkeys(point.scale for point in self.points))

    @property
    def apart(self) -> bool:
        """Whether there are accuracies that do not compare."""
        return len(self.scales) > 1

    @property
    def front(self) -> list[ModelPoint]:
        """The points that `frontier` names, scale by scale, fastest first in each."""
        return _front(self.points)

    def best(self, scale: str) -> list[ModelPoint]:
        """The frontier of one scale, fastest first."""
        return [point for point in self.front if point.scale == scale]


def model_frontier(
    records: Mapping[str, BenchRecord],
    target: Target,
    *,
    known: Mapping[str, Known],
    own: Collection[str] = (),
    given: Mapping[str, Known] | None = None,
    trained: Collection[str] = (),
    left_out: Mapping[str, str] | None = None,
) -> ModelFrontier:
    """Join records of one machine with accuracies.

    A variant whose accuracy was measured is drawn by that, any other by the published one, which is
    that of the model in f32: what a lower precision costs is not in it. Accuracies of different
    data do not compare, so each scale has points and a frontier of its own.

    Args:
        records: by name, all of `target`.
        target: the machine.
        known: published accuracies by name, as `facts_of` looks them up.
        own: names of the records that are the user's, who has each drawn.
        given: accuracies that the user gave, by name in the same way; they come first.
        trained: names of records of the user's own weights: to them no publication applies.
        left_out: models that could not be brought in at all, and why.
    """
    why: dict[tuple[str, str], str] = {}
    best: dict[tuple[str, str, str, str], ModelPoint] = {}
    for name, record in records.items():
        for variant in record.variants:
            model = model_name(record, variant.architecture)
            if variant.status != "ok":
                why.setdefault((model, variant.precision), variant.reason)
                continue
            facts = facts_of(given or {}, variant.architecture, model)
            if facts is None and name not in trained:
                facts = facts_of(known, variant.architecture, model)
            point = _point(name, record, model, variant, facts, own=name in own)
            if point is None:
                why.setdefault((model, variant.precision), _unscored(record))
                continue
            key = (model, variant.precision, point.scale, name if name in own else "")
            if key not in best or point.ms < best[key].ms:
                best[key] = point
    points = sorted(best.values(), key=lambda point: point.ms)
    return ModelFrontier(
        target=target,
        points=tuple(points),
        frontier=tuple(point.variant for point in _front(points)),
        left_out=dict(left_out or {}) | _left_out(why, points),
        conditions=tuple(
            dict.fromkeys(c for record in records.values() for c in record.conditions)
        ),
    )


def facts_of(known: Mapping[str, Known], architecture: str, model: str) -> Known | None:
    """What is published of a model: of these weights and size, else of the network.

    Args:
        known: by names with or without weights (`resnet50.a1_in1k`), with or without `@SIZE`.
        architecture: as a variant has it, which knows the weights.
        model: as `model_name` writes it, which knows the size.
    """
    stem, _, size = model.partition("@")
    exact = architecture.partition("@")[0]
    names = (f"{exact}@{size}", exact, model, stem)
    return next((known[name] for name in names if name in known), None)


def _left_out(why: Mapping[tuple[str, str], str], points: Sequence[ModelPoint]) -> dict[str, str]:
    """Why a model has no point, or none in a precision, by its name and that."""
    drawn = {point.model for point in points}
    pairs = {(point.model, point.precision) for point in points}
    found: dict[str, str] = {}
    for (model, precision), reason in why.items():
        if model not in drawn:
            found.setdefault(model, reason)
        elif (model, precision) not in pairs:
            found[f"{model} {precision}"] = reason
    return found


def _point(
    name: str,
    record: BenchRecord,
    model: str,
    variant: VariantRecord,
    known: Known | None,
    *,
    own: bool,
) -> ModelPoint | None:
    """The point of a variant, None where its latency or accuracy is not known."""
    if variant.latency_ms is None or variant.batch != 1 or variant.streams != 1:
        return None
    score = variant.accuracy if record.metric in TOP1 else None
    if score is not None:
        accuracy, interval, source = score.value, score.ci95, "measured"
    elif known is not None:
        accuracy, interval, source = known.top1, None, known.source
    else:
        return None
    if not math.isfinite(accuracy):
        return None
    return ModelPoint(
        model=model,
        family=known.family if known is not None else family_of(model),
        record=name,
        variant=variant.id,
        precision=variant.precision,
        ms=variant.latency_ms.p50,
        ci95=variant.latency_ms.ci95,
        accuracy=accuracy,
        accuracy_ci95=interval,
        source=source,
        data=record.data if score is not None else "",
        size_mb=variant.size_mb,
        own=own,
    )


def _front(points: Sequence[ModelPoint]) -> list[ModelPoint]:
    """Those that no other of their scale beats, scale by scale, fastest first in each."""
    # Not by the variant's id, which a run and a record of the same architecture share.
    places: dict[str, dict[str, tuple[float, float]]] = {}
    for place, point in enumerate(points):
        places.setdefault(point.scale, {})[str(place)] = (point.ms, -point.accuracy)
    return [points[int(place)] for one in places.values() for place in pareto(one)]


def _unscored(record: BenchRecord) -> str:
    """Why a record's variant has no accuracy."""
    if record.metric not in TOP1:
        return f"its score is {record.metric}, which is no top-1 accuracy"
    return "no accuracy is known: give --data, or --accuracy FILE"


def family_of(model: str) -> str:
    """A family from a name: its first word, such as `efficientnet` of `tf_efficientnet_b0@224`."""
    found = re.match(r"(?:tf_)?([a-z]+?(?:v\d+)?)(?=[^a-z]|$)", model)
    return found[1] if found else model
