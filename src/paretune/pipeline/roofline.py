"""`roofline()`: each layer of a model against what this machine was measured to do at most."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from paretune.core import (
    InputError,
    LayerTime,
    Model,
    Precision,
    Progress,
    Silent,
)
from paretune.core.roofline import Bound, LayerLimit, Peaks, Roofline
from paretune.engine import Engine, LocalEngine, machine
from paretune.pipeline.entrants import Entrants, bench_context, enter
from paretune.pipeline.peaks import RUNTIME, peaks
from paretune.pipeline.request import Request
from paretune.report.hardware.roofline_why import why
from paretune.sources import load_model
from paretune.store import Store

#: Seconds that whole calls are timed.
CALLS = 2.0


def roofline(
    model: str | Path | Model,
    *,
    precision: Precision = "int8",
    data: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> Roofline:
    """Set every executed layer of a model against this machine's measured limits.

    Args:
        model: as `optimize` takes it.
        precision: `f32`, `bf16` or `int8`, in OpenVINO.
        data: calibrates int8; random inputs by default, which are right for speed.
        threads: all usable cores by default.
        seed: of random inputs.
        progress: told what happens.
        engine: where work runs.
        store: programs that are already known.

    Raises:
        InputError: the model cannot be brought in, or not be run in that precision here.
    """
    told, worker, target = progress or Silent(), engine or LocalEngine(), machine.detect()
    brought = model if isinstance(model, Model) else load_model(model)
    count = target.usable_cores if threads is None else threads
    request = Request(
        model=brought.name,
        data=data or "random inputs",
        seed=seed,
        threads=(count,),
        runtimes=(RUNTIME,),
        precisions=(precision,),
    )
    request.check(target)
    entrants = Entrants()
    with (
        nullcontext(store) if store else Store.open() as shelf,
        bench_context(request, brought, data, target, shelf, worker, told) as context,
    ):
        told.stage("build and try out", 2)
        enter(context, entrants, (1,), (1,), scored=False)
        if not entrants.ready:
            reasons = [record.reason for record in entrants.failed]
            raise InputError(
                f"{brought.name} cannot be run in {precision} by {RUNTIME} here: "
                + (reasons[0] if reasons else f"this CPU has no {precision}")
            )
        ((name, entrant),) = entrants.ready.items()
        told.stage("time layers and calls", 2)
        with context.open(entrant.program, entrant.variant, profile=True) as host:
            layers: list[LayerTime] = host.call("layers")
        with context.open(entrant.program, entrant.variant) as host:
            call_us = float(np.median(host.call("burst", CALLS))) / 1000
    found = peaks(target, count, {"f32", precision}, progress=told, engine=worker)
    limits = tuple(limit(layer, precision, found) for layer in layers)
    return Roofline(target=target, variant=name, peaks=found, layers=limits, call_us=call_us)


def limit(layer: LayerTime, precision: str, found: Peaks) -> LayerLimit:
    """A layer against the limits.

    Args:
        layer: as profiled, with its work.
        precision: of the program.
        found: of the machine.
    """
    macs, moved = layer.macs or 0, layer.moved or 0
    rate = found.macs_per_s.get(layer.precision or precision, 0.0)
    arithmetic = macs / rate * 1e6 if rate else 0.0
    memory = moved / found.bandwidth(moved) * 1e6
    bound: Bound = "arithmetic" if arithmetic >= memory else "memory"
    if layer.moved is None:
        bound = "untold"
    least = max(arithmetic, memory)
    return LayerLimit(
        name=layer.name,
        op=layer.op,
        kernel=layer.kernel,
        precision=layer.precision,
        microseconds=layer.microseconds,
        limit_us=least,
        bound=bound,
        macs=macs,
        moved=moved,
        why=why(layer, precision, least / layer.microseconds if layer.microseconds else 1.0),
    )
