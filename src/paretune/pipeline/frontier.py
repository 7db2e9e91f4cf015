"""`frontier()`: a family of models measured on this machine, one record each, resumable."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from paretune.core import (
    BenchRecord,
    InputError,
    MissingPackageError,
    Model,
    ParetuneError,
    Progress,
    Silent,
    Target,
)
from paretune.data import Dataset, load_data
from paretune.engine import Engine, machine
from paretune.pipeline.bench import bench
from paretune.pipeline.presets import SOURCE, preset
from paretune.pipeline.request import Request
from paretune.pipeline.rundir import RunDir
from paretune.report.hardware.models import Known, ModelFrontier, family_of, model_frontier
from paretune.report.hardware.subjects import base_name, size_of
from paretune.sources import load_model, prepare_text
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
    preprocessing: str | None = None,
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
        preprocessing: how images are prepared where a model of the user's does not say.
        input_shape: (C, H, W) of one sample of the user's models; of a preset's networks, too,
            where `classes` are given. By default each model's own.
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
    published: dict[str, Known] = {}
    # What was published is of networks of their own size; of another, others are made of them.
    own_shape = input_shape if classes is not None else None
    for k in known_models:
        size = size_of(own_shape or (3, k.img_size, k.img_size))
        facts = Known(top1=k.top1, family=k.family, source=SOURCE)
        published |= {base_name(k.model) + size: facts, k.model + size: facts}
    given = _given(accuracy or {})
    # Weights are needed only where accuracy is measured.
    texts = [f"timm:{k.model}" if data else k.text for k in known_models]
    texts += list(models)
    if not texts and not add:
        raise InputError("a frontier needs models: name some, or give --preset imagenet-cpu")
    target = machine.detect()
    # What is wrong for every model is refused once, not held against each of them, and what is
    # wrong with a file before minutes are spent.
    if known_models and find_spec("timm") is None:
        raise MissingPackageError(
            f'--preset {preset_name} needs timm: pip install "paretune[timm]"'
        )
    places = dict.fromkeys(file.resolve() for file in add)
    added = {str(file): _added(file, target) for file in places}
    Request(
        model=texts[0] if texts else "",
        data=data or "",
        runtimes=tuple(runtimes),
        precisions=tuple(precisions),
        threads=tuple(threads),
    ).check(target)
    dataset = load_data(data, seed=seed) if data else None
    if seconds <= 0 or starts < 1:
        raise InputError("a frontier needs time: give --seconds above 0 and --starts 1 or more")
    asked: list[Any] = [
        data,
        list(runtimes),
        list(precisions),
        list(threads),
        seconds,
        starts,
        seed,
    ]
    asked += [list(input_shape or ()), classes]
    if preprocessing is not None:
        described = prepare_text(preprocessing, None)
        asked.append(preprocessing if described is None else described.model_dump(mode="json"))
    labels = None if classes is None else [str(number) for number in range(classes)]
    digest = hashlib.sha256(json.dumps([asked, target.kind_digest]).encode()).hexdigest()[:16]
    run = RunDir.claim(out, digest, resume=resume)

    def measure(text: str, model: Model) -> BenchRecord:
        found = bench(
            model,
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
        if not any(variant.status == "ok" for variant in found.variants):
            # Not kept: what failed for want of memory may succeed when the run is resumed.
            raise InputError(next((v.reason for v in found.variants), f"{text} was not built"))
        return found

    def loaded(text: str) -> Model:
        if text in models:
            return load_model(text, input_shape=input_shape, preprocessing=preprocessing)
        return load_model(text, input_shape=own_shape, labels=labels)

    try:
        if dataset is not None:
            run.confirm({"data": _content(dataset)})
        (out / RECORDS).mkdir(exist_ok=True)
        found, failed = _records(texts, models, out / RECORDS, loaded, measure, told)
        made = model_frontier(
            found | added,
            target,
            known=published,
            given=given,
            own={*map(_file_name, models), *added},
            trained={_file_name(text) for text in models if _has_weights(text)},
            left_out=failed,
        )
        paths.write_text_atomic(out / RESULT, made.model_dump_json(indent=2))
        return made
    finally:
        run.close()


def _records(
    texts: Sequence[str],
    own: Sequence[str],
    folder: Path,
    loaded: Callable[[str], Model],
    measure: Callable[[str, Model], BenchRecord],
    told: Progress,
) -> tuple[dict[str, BenchRecord], dict[str, str]]:
    """Every model's record, read where it is there already; and why a model has none.

    A model of the user's is measured again when it is not what it was.
    """
    found: dict[str, BenchRecord] = {}
    failed: dict[str, str] = {}
    told.stage("measure models", len(texts))
    for text in texts:
        told.step(text)
        file = folder / f"{_file_name(text)}.json"
        kept = records.read(file) if file.is_file() else None
        try:
            model = loaded(text) if kept is None or text in own else None
        except ParetuneError as error:
            if kept is None:
                failed[base_name(text)] = str(error)
                told.note(f"{text} is left out: {error}")
                continue
            told.note(f"{text} is drawn as it was measured before: {error}")
            model = None
        try:
            if model is not None and (kept is None or _changed(model, kept)):
                kept = measure(text, model)
                paths.write_text_atomic(file, kept.model_dump_json(by_alias=True, indent=2))
        except ParetuneError as error:
            failed[base_name(text)] = str(error)
            told.note(f"{text} is left out: {error}")
            continue
        if kept is not None:
            found[file.stem] = kept
    return found, failed


def _content(dataset: Dataset) -> str:
    """sha256 hex that changes when any sample or label does."""
    samples = dataset.samples
    labels = b"" if samples.labels is None else np.ascontiguousarray(samples.labels).tobytes()
    return hashlib.sha256(samples.identity().encode() + labels).hexdigest()


def _changed(model: Model, record: BenchRecord) -> bool:
    """Whether a model is not the one that was measured, as far as the record knows."""
    return record.digests.get(model.architecture, model.digest) != model.digest


def _given(accuracy: Mapping[str, float]) -> dict[str, Known]:
    """Accuracies as given, by their names, and by those without weights where one has them."""
    found: dict[str, Known] = {}
    stripped: dict[str, list[Known]] = {}
    for name, top1 in accuracy.items():
        known = Known(top1=top1, family=family_of(base_name(name)), source="as given")
        found[name] = known
        stripped.setdefault(_named(name), []).append(known)
    return {name: every[0] for name, every in stripped.items() if len(every) == 1} | found


def _has_weights(text: str) -> bool:
    """Whether a MODEL is given with a file of weights: `NAME@FILE`."""
    return text.rpartition("@")[0] != "" and text.rpartition("@")[2] != "random"


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
