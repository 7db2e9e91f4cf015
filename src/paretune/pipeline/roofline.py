"""`roofline()`: each layer of a model against what this machine was measured to do at most."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from paretune import runtimes
from paretune.core import (
    InputError,
    LayerTime,
    Model,
    Precision,
    Progress,
    Silent,
    Target,
)
from paretune.core.roofline import Bound, LayerLimit, Peaks, Roofline
from paretune.data import random_arrays
from paretune.engine import Engine, LocalEngine, machine
from paretune.measure.host import open_with, pinned_cores
from paretune.pipeline.entrants import Entrants, bench_context, enter
from paretune.pipeline.request import Request
from paretune.report.hardware.roofline_why import why
from paretune.runtimes import peak
from paretune.runtimes.base import Settings
from paretune.sources import load_model
from paretune.store import Store

RUNTIME = "openvino"
COPIER = "paretune.measure._bandwidth:Copier"
#: Bytes that copies are measured at: in the first cache, the second, the last, and memory.
SIZES = tuple(2**k for k in range(16, 29, 2))
#: Seconds of copying at each size, and profiles of each peak layer, of which the best counts.
COPYING, PROFILES = 0.2, 30
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
    count = threads or target.usable_cores
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


def peaks(
    target: Target,
    threads: int,
    precisions: Collection[Precision],
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Peaks:
    """Measure what this machine can do with so many threads.

    Arithmetic is the fastest of several large convolutions in OpenVINO, which runs oneDNN's
    kernels; memory is a copy, bytes read and written, by the bytes that it works on.

    Args:
        target: the machine.
        threads: CPU threads, each on a core of its own.
        precisions: those of the products.
        progress: told what happens.
        engine: where work runs.

    Raises:
        InputError: more threads than cores.
    """
    told, worker = progress or Silent(), engine or LocalEngine()
    able = sorted(p for p in precisions if p in runtimes.get(RUNTIME).precisions(target, "cpu"))
    cores = pinned_cores(threads)
    told.stage("measure this machine's limits", len(able) + len(SIZES))
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="paretune-peaks-") as place:
        for precision in able:
            told.step(f"multiply-accumulates in {precision}")
            for number, shape in enumerate(peak.SHAPES):
                folder = Path(place) / f"{precision}-{number}"
                folder.mkdir()
                program = peak.write(folder, precision, shape)
                settings = Settings(threads=threads, profile=True)
                feeds = random_arrays(program.inputs, 1)
                with open_with(worker, program, settings, feeds) as host:
                    every = [layer for _ in range(PROFILES) for layer in host.call("layers")]
                found = [layer.macs / layer.microseconds for layer in every if layer.macs]
                rates[precision] = max(rates.get(precision, 0.0), max(found) * 1e6)
    copied: list[tuple[int, float]] = []
    with worker.actor(COPIER, cores) as copier:
        for size in reversed(SIZES):
            told.step(f"copies of {size // 1024:,} kB")
            rate = float(copier.call("rate", size, COPYING))
            # What a larger piece of data reaches, a smaller one does not miss.
            copied.append((size, max(rate, copied[-1][1] if copied else 0.0)))
    return Peaks(threads=threads, macs_per_s=rates, bytes_per_s=tuple(reversed(copied)))


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
