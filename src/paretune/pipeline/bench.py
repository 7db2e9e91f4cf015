"""`bench()`: any models x runtimes x precisions x threads x streams x batch sizes, interleaved."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from paretune.core import (
    BenchRatio,
    BenchRecord,
    InputError,
    Model,
    Preprocessing,
    Progress,
    Silent,
)
from paretune.data import Dataset
from paretune.engine import Engine, LocalEngine, machine
from paretune.pipeline.bench_timing import group_step, saturate_all, time_all
from paretune.pipeline.caps import capped
from paretune.pipeline.emulation import emulated, judged, kernels, one_stream, unverified
from paretune.pipeline.entrants import Entrants, asked_programs, bench_context, enter
from paretune.pipeline.request import Request
from paretune.runtimes.kernels import isa_of
from paretune.sources import load_model
from paretune.store import Store


def bench(
    models: str | Path | Model | Any | Sequence[str | Path | Model | Any],
    *,
    runtimes: Sequence[str] = (),
    precisions: Sequence[str] = (),
    device: str = "cpu",
    isa: str | None = None,
    threads: Sequence[int] = (),
    streams: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    saturation: bool = False,
    data: str | Path | Dataset | None = None,
    baseline: str | None = None,
    seconds: float = 3.0,
    starts: int = 3,
    seed: int = 0,
    preprocessing: Preprocessing | str | None = None,
    input_shape: Sequence[int] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> BenchRecord:
    """Time variants against each other in interleaved rounds.

    Args:
        models: one or several, each as `optimize` takes it.
        runtimes: names, all by default.
        precisions: all that a runtime offers on this CPU by default.
        device: `cpu`, or `cuda` for the runtimes that have it.
        isa: cap on the instruction set, one of `paretune.engine.machine.ISA_CAPS`, or `vnni`,
            `bf16` or `fp16`, so that this machine stands in for an older one; a runtime that
            cannot be capped is left out, a variant that runs kernels beyond it rejected.
        threads: thread counts, all usable cores by default.
        streams: requests in flight at once; more than one times throughput, not latency.
        batches: samples per call.
        saturation: instead of `streams`, double them until throughput stops growing.
        data: scores accuracy and calibrates int8; without it int8 is calibrated on random
            inputs, which is right for speed and says nothing of accuracy.
        baseline: part of a variant's id; ratios are printed against the first that has it.
        seconds: timing time of each variant.
        starts: fresh starts of every process.
        seed: of splits and random inputs.
        preprocessing: for models that do not say how images are prepared.
        input_shape: (C, H, W) of one sample, for modules that do not say.
        progress: told what happens.
        engine: where work runs.
        store: programs that are already known.

    Raises:
        InputError: the request cannot be served as given.
    """
    told = progress or Silent()
    many: Sequence[Any] = models if isinstance(models, list | tuple) else [models]
    target = machine.detect()
    if isa is not None:
        target = machine.detect(machine.cap_named(isa, target.isa))
    worker = capped(engine or LocalEngine(), target.isa_cap)
    if seconds <= 0 or starts < 1:
        raise InputError("a bench needs time: give --seconds above 0 and --starts 1 or more")
    told.stage("bring in", len(many))
    loaded = [
        m
        if isinstance(m, Model)
        else load_model(m, preprocessing=preprocessing, input_shape=input_shape)
        for m in many
    ]
    _check_names(loaded)
    entrants = Entrants()
    with ExitStack() as stack:
        shelf = stack.enter_context(nullcontext(store) if store else Store.open())
        contexts = []
        for model in loaded:
            request = Request(
                model=model.name,
                data=str(data or "random inputs"),
                seed=seed,
                threads=tuple(threads),
                runtimes=tuple(runtimes),
                precisions=tuple(precisions),
                device=device,
            )
            request.check(target)
            contexts.append(
                stack.enter_context(
                    bench_context(request, model, data, target, shelf, worker, told)
                )
            )
        ways = len(streams) * len(batches) * max(1, len(threads))
        told.stage("build and try out", (1 + ways) * sum(len(asked_programs(c)) for c in contexts))
        for context in contexts:
            enter(context, entrants, streams, batches, scored=data is not None)
        reference = _find(entrants, baseline)
        told.stage("time", starts * (1 + len(entrants.ready) // group_step(contexts)))
        ratios: tuple[BenchRatio, ...] = ()
        with machine.Watch(threads=max(c.threads for c in contexts)) as watch:
            if saturation:
                records = saturate_all(entrants, seconds, told)
            else:
                records, ratios = time_all(entrants, reference, seconds, starts, told)
        executed: dict[str, dict[str, float]] = {}
        cap, conditions = target.isa_cap, [*watch.conditions]
        if cap is not None:
            told.stage("read the executed kernels", len(entrants.ready))
            executed = kernels(entrants, told)
            # A program runs the same kernels in any number of streams.
            own = {one_stream(e.variant): name for name, e in entrants.ready.items()}
            ran = {
                r.id: executed.get(r.id) or executed.get(own.get(one_stream(r), ""), {})
                for r in records
            }
            records = [judged(record, ran[record.id], cap) for record in records]
            silent = sorted(
                {r.runtime for r in records if r.status == "ok" and not any(map(isa_of, ran[r.id]))}
            )
            conditions[:0] = [emulated(target), *unverified(silent, cap)]
    conditions += [c for x in contexts for c in x.conditions]
    scored = contexts[0] if data is not None else None
    return BenchRecord(
        target=target,
        variants=(*records, *entrants.failed),
        baseline=reference,
        ratios=ratios,
        conditions=tuple(conditions),
        kernels=executed,
        inputs={m.architecture: m.inputs[0].concrete(1)[1:] for m in loaded if m.inputs},
        digests={m.architecture: m.digest for m in loaded},
        data=scored.dataset.samples.name if scored else "",
        metric=scored.metric.name if scored else "",
    )


def _check_names(models: Sequence[Model]) -> None:
    """Refuse models whose variants would be called alike.

    Raises:
        InputError: two have the same short name.
    """
    names: dict[str, str] = {}
    for model in models:
        if model.architecture in names:
            raise InputError(
                f"{names[model.architecture]} and {model.name} are both called "
                f"{model.architecture}: rename a file, or bench them one at a time"
            )
        names[model.architecture] = model.name


def _find(entrants: Entrants, text: str | None) -> str | None:
    """The first variant whose id contains `text`."""
    if text is None:
        return None
    for name in entrants.ready:
        if text in name:
            return name
    known = ", ".join(entrants.ready) or f"none that could run ({_reasons(entrants)})"
    raise InputError(f"no variant is named like the baseline {text!r}: there are {known}")


def _reasons(entrants: Entrants) -> str:
    """Why nothing could run: the first few different reasons."""
    different = list(dict.fromkeys(record.reason for record in entrants.failed))
    return "; ".join(different[:3])
