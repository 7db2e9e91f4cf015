"""The simpler regressions that the surrogate is printed beside, and has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.accuracy._kernels import Additive
from paretune.search.accuracy._level import Level
from paretune.search.accuracy._warp import DEPTHS
from paretune.search.space import Choice

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """A sum over the options.

    Attributes:
        weights: float64 (m,).
        constant: added to the sum.
        left_out: float64 (n,) prediction of each row it was fitted to, from the other rows.
    """

    weights: Floats
    constant: float
    left_out: Floats

    def predict(self, choices: Choice) -> Floats:
        """Loss, float64 (n,), of architectures, bool (n, m)."""
        return choices.astype(float) @ self.weights + self.constant


def flops_baseline(choices: Choice, values: Floats, flops: Floats) -> Regression:
    """Least squares on one total: FLOPs, or any other cost that adds up, such as parameters.

    Args:
        choices: bool (n, m).
        values: float64 (n,) their loss.
        flops: float64 (m,) of each option, in any unit.
    """
    total = choices.astype(float) @ flops
    centred = total - total.mean()
    square = float(centred @ centred)
    slope = float(centred @ values) / square if square > 0 else 0.0
    fitted = values.mean() + slope * centred
    # Leaving a row out of least squares divides its residual by one less its leverage.
    leverage = 1 / len(values) + (centred**2 / square if square > 0 else 0.0)
    left_out = values - (values - fitted) / np.maximum(1 - leverage, 1e-9)
    constant = float(values.mean() - slope * total.mean())
    return Regression(weights=slope * flops, constant=constant, left_out=left_out)


def additive_baseline(choices: Choice, values: Floats) -> Regression:
    """One weight an option, all shrunk alike, by evidence: a ridge regression on 0/1 features.

    Args:
        choices: bool (n, m).
        values: float64 (n,) their loss.
    """
    kernel = Additive("option", np.eye(choices.shape[1]))
    # The deepest floor is a line to one part in a hundred: nothing compounds.
    level = Level.fit((kernel,), choices, np.zeros((len(values), 0)), values, depths=DEPTHS[-1:])
    dual = level.inverse @ level.latent
    scale = level.warp.scale * level.warp.depth
    weights = scale * level.variances.kernels[0] / level.scales[0] * (dual @ choices)
    constant = float(values.mean() - (choices.astype(float) @ weights).mean())
    left_out = level.warp.backward(level.left_out().mean)
    return Regression(weights=weights, constant=constant, left_out=left_out)
