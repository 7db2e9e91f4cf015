"""What a dry run says: what would be tried, and what a search could reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretune import runtimes as registry
from paretune.core import Model, Noun, Preprocessing
from paretune.data import Dataset
from paretune.pipeline.intake import bring_in, planned
from paretune.pipeline.request import Request


class SearchPlan(Noun):
    """What a dry run says of a search.

    Attributes:
        blocks: every block: modules, kind, shapes, work, and how many options it has.
        architectures: how many the space holds.
        baseline_ms: latency of the baseline, compiled to int8, milliseconds.
        fastest_ms, middle_ms, slowest_ms: latencies that the space reaches, of architectures that
            were predicted to lie there and then timed; the middle is the median of random ones.
        error: mean relative error of such predictions, leaving one out.
        constraints: for each, whether it is within reach, or that this cannot be judged yet.
    """

    blocks: tuple[str, ...]
    architectures: float
    baseline_ms: float
    fastest_ms: float
    middle_ms: float
    slowest_ms: float
    error: float
    constraints: tuple[str, ...]


class Plan(Noun):
    """What a dry run says.

    Attributes:
        model: the MODEL text.
        baseline: the runtime the model came in.
        inputs: every input as `name: shape dtype`.
        splits: samples by split.
        metric: what accuracy means.
        constraints: all that will be held.
        programs: what will be built, as `runtime precision`, in order.
        missing: runtimes that are not installed, with the mend.
        search: what a search could reach, where one is asked for.
    """

    model: str
    baseline: str
    inputs: tuple[str, ...]
    splits: dict[str, int]
    metric: str
    constraints: tuple[str, ...]
    programs: tuple[str, ...]
    missing: tuple[str, ...]
    search: SearchPlan | None = None


def dry_run(
    model: str | Path | Model | Any,
    data: str | Path | Dataset | Any,
    request: Request,
    *,
    preprocessing: Preprocessing | str | None = None,
    input_shape: Sequence[int] | None = None,
) -> Plan:
    """What `optimize` would try, checked as it would check; arguments as `bring_in`."""
    intake = bring_in(model, data, request, preprocessing=preprocessing, input_shape=input_shape)
    return Plan(
        model=intake.model.name,
        baseline=intake.model.native_runtime,
        inputs=tuple(f"{i.name}: {i.shape} {i.dtype}" for i in intake.model.inputs),
        splits={name: len(rows) for name, rows in intake.dataset.splits.items()},
        metric=intake.metric.name,
        constraints=tuple(c.text for c in intake.constraints),
        programs=tuple(" ".join(pair) for pair in planned(intake.request, intake.target)),
        missing=tuple(
            f"{name}: {found.reason}"
            for name, found in registry.available(intake.target).items()
            if found.reason
        ),
    )
