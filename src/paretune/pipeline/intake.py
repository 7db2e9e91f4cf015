"""Bringing model and data in, and checking that they fit, before anything is measured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from paretune import runtimes as registry
from paretune.compress import obstacle
from paretune.core import (
    Constraint,
    Device,
    InputError,
    MissingPackageError,
    Model,
    Precision,
    Preprocessing,
    Progress,
    Target,
    parse_constraint,
)
from paretune.data import ArrayFolder, Dataset, check_against, load_data, materialise
from paretune.data.splits import evenly
from paretune.engine import machine
from paretune.measure import Metric, choose_metric
from paretune.pipeline.dense import within_memory
from paretune.pipeline.request import Request
from paretune.sources import load_model
from paretune.store import paths

#: Samples that int8 calibration looks at, as NNCF's default.
CALIBRATION = 300
#: What a search needs beside PyTorch: package, and the distribution that brings it.
SEARCH_NEEDS = {
    "accelerate": "accelerate",
    "openvino": "openvino",
    "pymoo": "pymoo",
    "torch_pruning": "torch-pruning",
}
#: Metrics that hold outputs against the baseline's own.
RELATIVE = ("agreement", "fidelity")
#: Runtimes in the order they are tried: the most promising first, in case the budget is short.
PROMISE = ("openvino", "onnxruntime", "torch-compile", "torch-eager")


@dataclass(frozen=True)
class Intake:
    """A checked request with its model, data and target; and why it has fewer samples, if so."""

    request: Request
    model: Model
    dataset: Dataset
    target: Target
    metric: Metric
    cut: str = ""

    @property
    def needs_int8(self) -> bool:
        """Whether anything will be calibrated."""
        return any(precision == "int8" for _, precision in planned(self.request, self.target))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """All that will be held."""
        agreement = (
            self.metric.name == "agreement"
            and self.dataset.samples.labels is None
            and self.model.task == "classification"
        )
        return self.request.parsed_constraints(agreement=agreement)

    def arrays(self, split: str, progress: Progress, *, whole: bool = False) -> ArrayFolder:
        """A split as model inputs; `train` is cut to the calibration subset unless `whole`."""
        dataset = self.dataset if whole else with_calibration(self.dataset)
        return materialise(dataset, split, self.model, paths.arrays(), progress=progress)

    def check_blocks(self, search: ArrayFolder) -> None:
        """Refuse to search where nothing can be replaced, before anything is measured.

        Args:
            search: the search split.

        Raises:
            InputError: the model has no block.
        """
        if self.request.effort == "search":
            from paretune.search.blocks import EXAMPLES, find

            find(self.model.module, search.tensors(slice(EXAMPLES)))

    def facts(self, search: ArrayFolder, train: ArrayFolder | None) -> dict[str, str]:
        """Digests of what a run's choices rest on, for whoever resumes it.

        Args:
            search: the search split.
            train: what is learned or calibrated from, None for nothing.
        """
        parts = [search.digest] if train is None else [search.digest, train.digest]
        return {
            "model": self.model.digest,
            "data": hashlib.sha256(" ".join(parts).encode()).hexdigest(),
            "machine": self.target.kind_digest,
        }

    def tell(self, progress: Progress) -> None:
        """Tell of samples left out."""
        skipped = self.dataset.samples.skipped
        if skipped:
            progress.note(f"{len(skipped)} unreadable samples are left out, such as {skipped[0]}")

    @property
    def unlabelled(self) -> str:
        """What is not known without labels, in one sentence; empty where a metric needs none.

        Also where there are labels that nothing looks at, unless that was asked for.
        """
        labelled = self.dataset.samples.labels is not None
        if self.metric.name not in RELATIVE or (labelled and self.request.metric is not None):
            return ""
        why = (
            f"the labels of the data are not used, since {self.model.name} gives no class scores "
            "that they could be held against (a metric that uses them is given as --metric "
            "package.module:function)"
            if labelled
            else "the data has no labels"
        )
        strict = (
            "; int8 mostly loses more than the half point that is allowed: where outputs bear it, "
            "as embeddings may, give --constraint such as 'accuracy >= 75 %', or a metric of yours"
        )
        own = any(parse_constraint(text).guards for text in self.request.constraints)
        return (
            f"{why}, so accuracy is {self.metric.name} with the model as it came, "
            "whose own mistakes count as right: what a variant gains or loses against the truth "
            "is not known" + (strict if self.metric.name == "fidelity" and not own else "")
        )


def with_calibration(dataset: Dataset) -> Dataset:
    """The data set with its train split cut to the calibration subset."""
    train = evenly(dataset.splits["train"], CALIBRATION)
    return Dataset(dataset.samples, dict(dataset.splits) | {"train": train})


def bring_in(
    model: str | Path | Model | Any,
    data: str | Path | Dataset | Any,
    request: Request,
    *,
    preprocessing: Preprocessing | str | None = None,
    input_shape: Sequence[int] | None = None,
) -> Intake:
    """Load and check everything.

    Args:
        model: as `optimize` takes it.
        data: as `optimize` takes it.
        request: the rest of what was asked.
        preprocessing: for models that do not say how images are prepared.
        input_shape: shape of one sample, for modules that do not say.

    Raises:
        InputError: the request cannot be served; one sentence with the mend.
    """
    target = machine.detect()
    request.check(target)
    if not isinstance(model, Model):
        model = load_model(model, input_shape=input_shape, preprocessing=preprocessing)
    if request.effort == "search":
        _check_search(model, request)
    dataset = data if isinstance(data, Dataset) else load_data(data, seed=request.seed)
    dataset, cut = within_memory(check_against(dataset, model), model)
    metric = choose_metric(request.metric, model.task, dataset.samples.labels is not None)
    intake = Intake(request, model, dataset, target, metric, cut)
    if model.task != "classification":
        for constraint in intake.constraints:
            if constraint.metric == "divergence":
                raise InputError(
                    f"constraint {constraint.text!r} needs class scores, and {model.name} gives "
                    "none: bound accuracy, which is fidelity to its own outputs"
                )
    return intake


def _check_search(model: Model, request: Request) -> None:
    """Refuse a search that could only fail later.

    Raises:
        InputError: the model is no PyTorch module or lives in this process alone, or int8 on this
            CPU is left out.
        MissingPackageError: what a search needs is not installed.
    """
    if model.module is None:
        raise InputError(
            f"{model.name} came as a file, and a search changes PyTorch modules: give the module "
            "that it was made from, or use --effort quantize"
        )
    if len(model.outputs) > 1:
        raise InputError(
            f"{model.name} gives {len(model.outputs)} outputs, and a search holds its networks to "
            "one: wrap the module so that it gives that alone, or use --effort quantize"
        )
    if why := obstacle(model.module):
        raise InputError(
            f"{model.name} cannot be sent to the processes that search ({why}): define its class "
            "in a file that can be imported, or use --effort quantize"
        )
    for package, distribution in SEARCH_NEEDS.items():
        if find_spec(package) is None:
            raise MissingPackageError(
                f'a search needs {distribution}: pip install "paretune[search]"'
            )
    left_out = "openvino" not in (request.runtimes or ("openvino",))
    if left_out or "int8" not in (request.precisions or ("int8",)) or request.device != "cpu":
        raise InputError(
            "a search measures its architectures as int8 in OpenVINO on this CPU, which the "
            "request leaves out: name openvino and int8 too, or use --effort quantize"
        )


def planned(request: Request, target: Target) -> list[tuple[str, Precision]]:
    """(runtime, precision) pairs worth building, most promising first.

    f32 and int8 of every runtime come before bf16, so that a short budget sees both.
    """
    device: Device = "cuda" if request.device == "cuda" else "cpu"
    names = request.runtimes or tuple(registry.names())
    order = {name: rank for rank, name in enumerate(PROMISE)}
    pairs = [
        (name, precision)
        for name in names
        for precision in registry.get(name).precisions(target, device)
        if (not request.precisions or precision in request.precisions)
        and (request.effort != "compile" or precision != "int8")
    ]
    return sorted(
        pairs, key=lambda pair: (pair[1] not in ("f32", "int8"), order.get(pair[0], len(order)))
    )


def text_of(thing: object) -> str:
    """How the user would write a model or data set that was given as an object."""
    if isinstance(thing, str | Path):
        return str(thing)
    if isinstance(thing, Model):
        return thing.name
    if isinstance(thing, Dataset):
        return thing.samples.name
    return "arrays" if isinstance(thing, tuple | dict) else type(thing).__name__
