"""`frontier()`: a family of models measured on this machine, one record each, resumable."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from paretune.core import BenchRecord, InputError, ParetuneError, Progress, Silent, Target
from paretune.engine import Engine, machine
from paretune.pipeline.bench import bench
from paretune.pipeline.presets import SOURCE, preset
from paretune.pipeline.request import Request
from paretune.pipeline.rundir import RunDir
from paretune.report.hardware.models import Known, ModelFrontier, family_of, model_frontier
from paretune.report.hardware.subjects import base_name, size_of
from paretune.sources import load_model
from paretune.store import Store, paths, records

RECORDS = "records"
RESULT = "frontier.json"


def frontier(
    models: Sequence[str] = (),
    *,
    preset_name: str | None = None,
    data: str | None = None,
    accuracy: Mapping[str, float] | None = None,
    add: Sequence[Path] = (),
    out: Path,
    resume: bool = False,
    runtimes: Sequence[str] = ("openvino",),
    precisions: Sequence[str] = (),
    threads: Sequence[int] = (),
    seconds: float = 2.0,
    starts: int = 3,
    seed: int = 0,
    input_shape: Sequence[int] | None = None,
    classes: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    store: Store | None = None,
) -> ModelFrontier:
    """Measure models on this machine and set latency against accuracy.

    A model that cannot be brought in or converted is left out with its reason. Every model's record
    is written as soon as it is there.

    Args:
        models: the user's own, each as `optimize` takes it.
        preset_name: of `paretune.pipeline.presets`: networks with published accuracy.
        data: accuracy is measured on it; without it the published one is taken.
        accuracy: published, by model, as a fraction.
        add: records of this machine that are drawn, too: a run's, with what a search found.
        out: folder of the records and `frontier.json`.
        resume: go on in a folder that has records already.
        runtimes: names.
        precisions: all that a runtime offers on this CPU by default.
        threads: thread counts, all usable cores by default.
        seconds: timing time of each variant.
        starts: fresh starts of every process.
        seed: of splits and random inputs.
        input_shape: (C, H, W) of one sample; by default each model's own.
        classes: of a preset's networks; by default as published.
        progress: told what happens.
        engine: where work runs.
        store: programs that are already known.

    Raises:
        InputError: nothing to measure, an unknown preset, a folder of something else, or a record
            of another machine.
    """
    told = progress or Silent()
    known_models = preset(preset_name) if preset_name else ()
    published = {
        base_name(k.model) + size_of(input_shape or (3, k.img_size, k.img_size)): Known(
            top1=k.top1, family=k.family, source=SOURCE
        )
        for k in known_models
    }
    given = {
        _named(name): Known(top1=top1, family=family_of(base_name(name)), source="as given")
        for name, top1 in (accuracy or {}).items()
    }
    # Weights are needed only where accuracy is measured.
    texts = [f"timm:{k.model}" if data else k.text for k in known_models]
    texts += list(models)
    if not texts and not add:
        raise InputError("a frontier needs models: name some, or give --preset imagenet-cpu")
    target = machine.detect()
    # What is wrong for every model is refused once, not held against each of them.
    Request(
        model=texts[0] if texts else "",
        data=data or "",
        runtimes=tuple(runtimes),
        precisions=tuple(precisions),
        threads=tuple(threads),
    ).check(target)
    if seconds <= 0 or starts < 1:
        raise InputError("a frontier needs time: give --seconds above 0 and --starts 1 or more")
    asked = [data, list(runtimes), list(precisions), list(threads), seconds, starts, seed]
    asked += [list(input_shape or ()), classes]
    labels = None if classes is None else [str(number) for number in range(classes)]
    digest = hashlib.sha256(json.dumps([asked, target.digest]).encode()).hexdigest()[:16]
    run = RunDir.claim(out, digest, resume=resume)

    def measure(text: str) -> BenchRecord:
        own_labels = None if text in models else labels
        return bench(
            load_model(text, input_shape=input_shape, labels=own_labels),
            runtimes=runtimes,
            precisions=precisions,
            threads=threads,
            data=data,
            seconds=seconds,
            starts=starts,
            seed=seed,
            engine=engine,
            store=store,
        )

    try:
        found, failed = _records(texts, out / RECORDS, measure, told)
        own = {_file_name(text) for text in models}
        for file in add:
            found[str(file)] = _added(file, target)
            own.add(str(file))
        made = model_frontier(found, target, known=published | given, own=own, left_out=failed)
        paths.write_text_atomic(out / RESULT, made.model_dump_json(indent=2))
        return made
    finally:
        run.close()


def _records(
    texts: Sequence[str], folder: Path, measure: Callable[[str], BenchRecord], told: Progress
) -> tuple[dict[str, BenchRecord], dict[str, str]]:
    """Every model's record, read where it is there already; and why a model has none."""
    folder.mkdir(exist_ok=True)
    found: dict[str, BenchRecord] = {}
    failed: dict[str, str] = {}
    told.stage("measure models", len(texts))
    for text in texts:
        told.step(text)
        file = folder / f"{_file_name(text)}.json"
        if not file.is_file():
            try:
                record = measure(text)
            except ParetuneError as error:
                failed[base_name(text)] = str(error)
                told.note(f"{text} is left out: {error}")
                continue
            paths.write_text_atomic(file, record.model_dump_json(by_alias=True, indent=2))
        found[file.stem] = records.read(file)
    return found, failed


def _added(file: Path, target: Target) -> BenchRecord:
    """A record of this machine from elsewhere.

    Raises:
        InputError: it is of another machine.
    """
    record = records.read(file)
    if record.target.label != target.label:
        raise InputError(
            f"{file} was measured on {record.target.label}, and this is {target.label}: a frontier "
            "is of one machine"
        )
    return record


def _named(text: str) -> str:
    """A model's name in a table, with the image's size where it has one."""
    size = text.partition("@")[2]
    return base_name(text) + (f"@{size}" if size.isdigit() else "")


def _file_name(text: str) -> str:
    """A model's text as the name of a file."""
    plain = re.sub(r"[^\w.@+-]+", "_", text).strip("_")
    return f"{plain[:80]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
