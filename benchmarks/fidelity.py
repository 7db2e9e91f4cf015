"""How near int8 stays to the outputs of networks that are no classifiers, and what that costs.

The features that EfficientNet-Lite0 classifies by stand for an embedding: what int8 does to them is
set against the classes that the network's own last layer reads in them. FastestDet, with its own
weights, stands for a detector, whose errors are not judged here.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import _cifar
import imagenet_compat
import numpy as np
import torch
from _common import Figure, Outcome, Said, finish, options
from _programs import Ready, ready
from numpy.typing import NDArray
from torch import nn

from paretune import runtimes
from paretune.core import Model
from paretune.data import Dataset, load_data
from paretune.measure.accuracy import fidelity
from paretune.measure.statistics import paired_drop
from paretune.sources import load_model

RUNTIMES = ("openvino", "onnxruntime")


def features() -> tuple[Model, nn.Module]:
    """EfficientNet-Lite0 without its last layer, and that layer."""
    lite = load_model("efficientnet-lite0")
    trunk = copy.deepcopy(lite.module)
    last = trunk._fc
    trunk._fc = nn.Identity()
    model = load_model(trunk, input_shape=(3, 224, 224))
    return replace(
        model, name="efficientnet-lite0-features", preprocessing=lite.preprocessing
    ), last


def fastestdet() -> tuple[Model, None]:
    """FastestDet, (n, 85, 22, 22) a sample."""
    file = _cifar.folder("coco128_val") / "FastestDet.onnx"
    return load_model(file, preprocessing="unit"), None


def run(one: Ready) -> NDArray[np.float32]:
    """Outputs of a program, (n, ...)."""
    with one.open() as host:
        made: NDArray[np.float32] = host.call("evaluate", one.arrays)
    return made


def nearness(
    key: str, model: Model, last: nn.Module | None, data: Dataset
) -> tuple[list[Figure], dict[str, Any]]:
    """Fidelity of int8 in a runtime's every recipe, and the drop of what is read in the outputs."""
    runtime = key.rpartition("/")[2]
    plain = ready(model, "f32", runtime=runtime, dataset=data)
    exact, labels = run(plain), plain.arrays.labels()
    figures, details = [], {}
    for recipe in runtimes.get(runtime).recipes():
        Said().step(recipe)
        ours = run(ready(model, "int8", runtime=runtime, dataset=data, recipe=recipe))
        near = fidelity(ours, None, exact)
        text = f"{near.mean():.3f}, least of a sample {near.min():.3f}"
        if last is not None:
            right = [last(torch.from_numpy(x)).argmax(1).numpy() == labels for x in (exact, ours)]
            drop = paired_drop(*(one.astype(float) for one in right))
            low, high = (100 * end for end in drop.ci95)
            text += f"; drop {100 * drop.value:+.2f} pt ({low:+.2f} to {high:+.2f})"
        figures.append(Figure(f"fidelity/{key}/{recipe}", float(near.mean()), text))
        details[recipe] = {"fidelity": near.tolist()}
    return figures, details


@torch.no_grad()
def main() -> int:
    """Measure both networks in both runtimes."""
    args = options(__doc__ or "").parse_args()
    found = Outcome()
    images = load_data(_cifar.folder("coco128_val") / "images")
    cases = {"lite0": (*features(), imagenet_compat.dataset())}
    if not args.quick:
        cases["fastestdet"] = (*fastestdet(), images)
    for name, case in cases.items():
        for runtime in RUNTIMES[: 1 if args.quick else None]:
            key = f"{name}/{runtime}"
            found.part(key, partial(nearness, key, *case))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
