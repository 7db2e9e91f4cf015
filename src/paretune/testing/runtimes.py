"""What every runtime must pass: call from a test with a small model and its reference outputs."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from paretune.core import Device, InputError, Model, Precision, Target, UnsupportedError
from paretune.runtimes import Array, Feeds, Program, Runtime, Session, Settings

#: Gives feeds of a batch size and seed; the outputs that the model must give for feeds.
MakeFeeds = Callable[[int, int], Feeds]
Reference = Callable[[Feeds], Sequence[Array]]

#: Largest error of an output, as a share of the largest reference value. int8 is loose because
#: a wrong layout, a swapped input or a lost bias is off by far more than this.
TOLERANCE: Mapping[str, float] = {
    "f32": 1e-4,
    "tf32": 1e-2,
    "bf16": 3e-2,
    "f16": 1e-2,
    "int8": 0.25,
}
CALIBRATION = 64


def prepare(
    runtime: Runtime,
    model: Model,
    precision: Precision,
    make_feeds: MakeFeeds,
    folder: Path,
    *,
    recipe: str = "",
    device: Device = "cpu",
) -> Program:
    """Prepare a model in a new folder, calibrated on 64 feeds of one sample for int8."""
    folder.mkdir(parents=True)
    calibration = [make_feeds(1, seed) for seed in range(CALIBRATION)]
    program = runtime.prepare(
        model,
        precision,
        folder,
        recipe=recipe,
        calibration=calibration if precision == "int8" else (),
        device=device,
    )
    _check_program(runtime, model, program, precision, recipe)
    return program


def check_runtime(
    runtime: Runtime,
    model: Model,
    target: Target,
    folder: Path,
    *,
    make_feeds: MakeFeeds,
    reference: Reference,
    precisions: Iterable[Precision] | None = None,
    device: Device = "cpu",
) -> None:
    """Hold a runtime against every promise, for each precision it offers on the target's device.

    Args:
        runtime: the runtime.
        model: a small model with a free batch axis.
        target: this machine.
        folder: an empty folder to work in.
        make_feeds: feeds of (batch, seed).
        reference: what the model must answer.
        precisions: which to check, all offered ones by default.
        device: where. Streams are checked on the CPU: on a GPU it is batches that fill it.

    Raises:
        AssertionError: a promise that is not kept.
    """
    offered = runtime.precisions(target, device)
    assert device != "cpu" or "f32" in offered, "a runtime offers f32 on the CPU"
    for precision in offered if precisions is None else precisions:
        program = prepare(runtime, model, precision, make_feeds, folder / precision, device=device)
        program = check_movable(program, folder / f"{precision} moved")
        expected = _Expected(make_feeds, reference, TOLERANCE[precision])
        check_answers(runtime, program, expected, Settings(device=device)).close()
        several = Settings(batch=3, threads=2, streams=2 if device == "cpu" else 1, device=device)
        session = check_answers(runtime, program, expected, several)
        if device == "cpu":
            check_streams(session, expected, batch=3)
        check_of_batch(session, expected)
        session.close()


def check_unsupported(runtime: Runtime, model: Model, make_feeds: MakeFeeds, folder: Path) -> None:
    """What a runtime cannot do is told in one sentence, whoever asks and however.

    Raises:
        AssertionError: a promise that is not kept.
    """
    program = prepare(runtime, model, "f32", make_feeds, folder / "f32")
    _refused(lambda: runtime.load(program, Settings(threads=1, streams=2)), "threads")
    fixed = program.model_copy(update={"max_batch": 1})
    _refused(lambda: runtime.load(fixed, Settings(batch=3)), "batch")
    if runtime.recipes():
        folder = folder / "int8"
        folder.mkdir()
        _refused(lambda: runtime.prepare(model, "int8", folder), "calibration")
    session = runtime.load(program, Settings(batch=3))
    _refused(lambda: session.run(make_feeds(2, 0)), "batch", InputError)
    _refused(lambda: session.run({}), "input", InputError)


def check_layers(runtime: Runtime, program: Program, feeds: Feeds) -> None:
    """Layer times have unique names, operators, and times that are not negative.

    Raises:
        AssertionError: a promise that is not kept.
    """
    session = runtime.load(program, Settings(profile=True))
    layers = session.layers(feeds, calls=3)
    assert layers, "no layer was told"
    assert len({layer.name for layer in layers}) == len(layers), "a layer is listed twice"
    assert all(layer.name and layer.op for layer in layers), "a layer has no name or operator"
    assert all(layer.microseconds >= 0 for layer in layers), "a time is negative"
    assert sum(layer.microseconds for layer in layers) > 0, "nothing took any time"


class _Expected:
    """Feeds with what must come out of them, and how closely."""

    def __init__(self, make_feeds: MakeFeeds, reference: Reference, tolerance: float) -> None:
        self.make_feeds = make_feeds
        self._reference = reference
        self._tolerance = tolerance

    def check(self, feeds: Feeds, outputs: Sequence[Array]) -> None:
        """Compare outputs with the reference, one by one."""
        wanted = list(self._reference(feeds))
        assert len(outputs) == len(wanted), f"{len(outputs)} outputs instead of {len(wanted)}"
        for index, (output, want) in enumerate(zip(outputs, wanted, strict=True)):
            assert output.shape == want.shape, f"output {index} is {output.shape}, not {want.shape}"
            assert output.dtype == want.dtype, f"output {index} is {output.dtype}, not {want.dtype}"
            scale = max(float(np.abs(want).max()), 1e-6)
            error = float(np.abs(output - want).max()) / scale
            assert error <= self._tolerance, f"output {index} is off by {error:.2g} of its range"


def check_movable(program: Program, folder: Path) -> Program:
    """A program pickles, and works from another folder after the first one is gone."""
    again = pickle.loads(pickle.dumps(program))
    assert again == program, "a program changes when pickled"
    shutil.move(program.folder, folder)
    moved: Program = again.model_copy(update={"folder": folder})
    assert moved.size_mb > 0, "a program has files"
    return moved


def check_answers(
    runtime: Runtime, program: Program, expected: _Expected, settings: Settings
) -> Session:
    """Answers are right, owned by the caller, and the same by name, by order and when bound."""
    session = runtime.load(program, settings)
    one, two = (expected.make_feeds(settings.batch, seed) for seed in (101, 102))
    first = session.run(one)
    expected.check(one, first)
    kept = [output.copy() for output in first]
    bound = session.bind(two)
    bound()
    backwards = dict(reversed(list(two.items())))
    expected.check(two, session.run(backwards))
    for output, copy in zip(first, kept, strict=True):
        assert np.array_equal(output, copy), "a later call changed an earlier result"
    bound()
    for output, copy in zip(session.run(one), kept, strict=True):
        assert np.allclose(output, copy, rtol=1e-3, atol=1e-4), "the same call gave another answer"
    return session


def check_streams(session: Session, expected: _Expected, batch: int, rounds: int = 5) -> None:
    """Two streams at once give each its own answer, bound calls among them."""

    def drive(stream: int) -> None:
        feeds = expected.make_feeds(batch, 200 + stream)
        bound = session.bind(feeds, stream)
        for _ in range(rounds):
            bound()
            expected.check(feeds, session.run(feeds, stream))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(drive, range(2)))


def check_of_batch(session: Session, expected: _Expected, batch: int = 5) -> None:
    """Calls of another batch than the session's are answered right, or refused beforehand."""
    try:
        other = session.of_batch(batch)
    except UnsupportedError:
        return
    feeds = expected.make_feeds(batch, 300)
    expected.check(feeds, other.run(feeds))


def _check_program(
    runtime: Runtime, model: Model, program: Program, precision: str, recipe: str
) -> None:
    assert program.runtime == runtime.name
    assert program.precision == precision
    assert program.recipe == (recipe or (runtime.recipes()[0] if precision == "int8" else ""))
    assert program.inputs == model.inputs
    assert program.outputs == model.outputs
    missing = [name for name in program.files if not (program.folder / name).is_file()]
    assert not missing, f"files are missing: {missing}"
    extra = sorted(path.name for path in program.folder.iterdir())
    assert extra == sorted(program.files), f"the folder holds {extra}, not {program.files}"


def _refused(
    action: Callable[[], object], about: str, kind: type[Exception] = UnsupportedError
) -> None:
    reason = ""
    try:
        action()
    except kind as error:
        reason = str(error)
    assert reason, f"this must be refused, because of its {about}"
    assert about in reason, f"the reason does not speak of {about}: {reason}"
    assert "\n" not in reason, "a reason is one sentence"
