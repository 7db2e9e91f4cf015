"""NAS-Bench-Macro as a space: accuracy, FLOPs and parameters of all its 6,561 networks.

Su et al. 2021, "Prioritized Architecture Sampling with Monte-Carlo Tree Search" (arXiv
2103.11922): 8 layers, each an identity, an MBConv 3x3 of expansion 3 or one 5x5 of expansion 6,
trained from scratch on CIFAR-10, three seeds each. The baseline is the largest network, so
`keep` is the 5x5 block.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search import KEEP, Choice, Option, Space

LAYERS = 8
#: Operator by the digit of a network's name, those that keep first.
OPERATORS = {"2": KEEP, "1": "mbconv-3x3", "0": "skip"}


@dataclass(frozen=True)
class Macro:
    """The whole table.

    Attributes:
        space: 8 blocks of 3 options.
        choices: every network, bool (6561, 24).
        accuracy: mean top-1 of three seeds, fraction 0..1, float (6561,).
        flops: multiply-adds of one forward, in millions, float (6561,).
        params: in millions, float (6561,).
    """

    space: Space
    choices: Choice
    accuracy: NDArray[np.float64]
    flops: NDArray[np.float64]
    params: NDArray[np.float64]

    @cached_property
    def row(self) -> dict[bytes, int]:
        """Row of each network by its bytes."""
        return {choice.tobytes(): row for row, choice in enumerate(self.choices)}

    def rows(self, choices: Choice) -> NDArray[np.int64]:
        """Rows of networks, int (n,)."""
        return np.array([self.row[choice.tobytes()] for choice in choices], dtype=int)

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """Error in points and FLOPs in millions, float (6561, 2), lower is better."""
        return np.column_stack([100 * (1 - self.accuracy), self.flops])

    @cached_property
    def latency(self) -> NDArray[np.float64]:
        """FLOPs of each option, in millions, float (24,): exact, since FLOPs are additive."""
        return np.linalg.lstsq(self.choices.astype(float), self.flops, rcond=None)[0]


def folder() -> Path:
    """The folder of the reference data.

    Raises:
        InputError: it does not have the table.
    """
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    found = Path(os.environ.get("PARETUNE_REFERENCE_DATA") or default)
    if not (found / "nas_bench_macro").is_dir():
        raise InputError(f"{found} has no nas_bench_macro: set PARETUNE_REFERENCE_DATA")
    return found


def load(folder: Path) -> Macro:
    """The table from the folder of reference data."""
    table = json.loads((folder / "nas_bench_macro" / "nas-bench-macro_cifar10.json").read_text())
    options = tuple(
        Option(id=f"b{layer}:{operator}", first=layer, last=layer, operator=operator)
        for layer in range(LAYERS)
        for operator in OPERATORS.values()
    )
    digits = list(OPERATORS)
    choices = np.zeros((len(table), len(options)), dtype=bool)
    for row, name in enumerate(table):
        for layer, digit in enumerate(name):
            choices[row, len(digits) * layer + digits.index(digit)] = True

    def column(field: str, unit: float) -> NDArray[np.float64]:
        return np.array([entry[field] for entry in table.values()]) / unit

    return Macro(
        space=Space(blocks=LAYERS, options=options),
        choices=choices,
        accuracy=column("mean_acc", 100.0),
        flops=column("flops", 1e6),
        params=column("params", 1e6),
    )
