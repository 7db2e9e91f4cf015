"""Families of known networks that a frontier is drawn of, with their published accuracy.

A preset is a CSV file of this folder, named as the preset. Accuracies are top-1 on ImageNet's
validation images as timm publishes them (`results/results-imagenet.csv`, Apache-2.0), at the size
of image that the network is measured with here.
"""

from __future__ import annotations

import csv
from pathlib import Path

from paretune.core import InputError, Noun

SOURCE = "timm, results/results-imagenet.csv"
_FOLDER = Path(__file__).parent


class KnownModel(Noun):
    """A network whose accuracy is published.

    Attributes:
        model: its name in timm, weights included, such as `resnet50.a1_in1k`.
        family: networks of one design at several sizes.
        img_size: height and width of its images, pixels.
        top1: a fraction.
        params_m: parameters, millions.
    """

    model: str
    family: str
    img_size: int
    top1: float
    params_m: float

    @property
    def text(self) -> str:
        """As MODEL, with random weights: its speed does not depend on them."""
        return f"timm:{self.model}@random"


def names() -> list[str]:
    """Every preset."""
    return sorted(file.stem for file in _FOLDER.glob("*.csv"))


def preset(name: str) -> tuple[KnownModel, ...]:
    """The networks of a preset.

    Raises:
        InputError: there is no such preset.
    """
    if name not in names():
        raise InputError(f"there is no preset {name!r}: give one of {', '.join(names())}")
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            KnownModel(
                model=row["model"],
                family=row["family"],
                img_size=int(row["img_size"]),
                top1=float(row["top1"]) / 100,
                params_m=float(row["params_m"]),
            )
            for row in csv.DictReader(stream)
        )
