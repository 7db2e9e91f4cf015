"""Programs to time: built once, loaded afresh as often as they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import imagenet_compat
from _common import Said

from paretune import runtimes
from paretune.compress import Builds
from paretune.core import Model, Precision
from paretune.data import ArrayFolder, Dataset, materialise, random_inputs
from paretune.engine import Actor, LocalEngine, machine
from paretune.measure import open_host
from paretune.runtimes.base import Program, Settings
from paretune.sources import load_model
from paretune.store import Store, paths


def photographs() -> Dataset | None:
    """The reference photographs, None where they are not on this machine (which is said)."""
    if (imagenet_compat.folder() / "images.csv").is_file():
        return imagenet_compat.dataset()
    Said().note(f"no photographs in {imagenet_compat.folder()}: random inputs calibrate int8")
    return None


@dataclass(frozen=True)
class Ready:
    """A program with the inputs it is timed on; every `open` loads it afresh in a new process."""

    program: Program
    settings: Settings
    arrays: ArrayFolder

    def open(self) -> Actor:
        """A warmed-up, pinned process."""
        return open_host(LocalEngine(), self.program, self.settings, self.arrays)


def ready(
    model: str | Model,
    precision: Precision,
    *,
    runtime: str = "openvino",
    dataset: Dataset | None = None,
    split: str = "search",
    recipe: str = "",
) -> Ready:
    """Build a program once (or find it in the store) for all usable cores.

    The recipe of int8 is the runtime's first unless another is given.
    """
    model = model if isinstance(model, Model) else load_model(model)
    dataset = dataset or random_inputs(model)
    target = machine.detect()
    inputs = materialise(dataset, split, model, paths.arrays())
    int8 = precision == "int8"
    calibration = materialise(dataset, "train", model, paths.arrays()) if int8 else None
    with (
        Store.open() as store,
        Builds(model, calibration, target=target, engine=LocalEngine(), store=store) as builds,
    ):
        recipe = recipe or (runtimes.get(runtime).recipes()[0] if int8 else "")
        program = builds.build(runtime, precision, recipe)
    return Ready(program, Settings(threads=target.usable_cores), inputs)
