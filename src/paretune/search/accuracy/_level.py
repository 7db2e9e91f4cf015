"""One fidelity: a Bayesian linear model with a closed-form posterior on warped values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.accuracy._evidence import (
    CONSTANT,
    Variances,
    choose_variances,
    inverse_covariance,
)
from paretune.search.accuracy._kernels import Kernel
from paretune.search.accuracy._warp import DEPTHS, Warp
from paretune.search.space import Choice

Floats = NDArray[np.float64]

#: Rows that the warp is chosen on.
ROWS_FOR_WARP = 64
#: Up to this many rows each is left out of the choice of the variances too, not only of the fit.
ROWS_TO_REFIT = 64


@dataclass(frozen=True)
class Latent:
    """Normal predictions on the warped scale.

    Attributes:
        mean: (n,).
        sd: (n,) standard deviation of a new value, its noise included.
    """

    mean: Floats
    sd: Floats


@dataclass(frozen=True)
class Level:
    """What the values of one fidelity say.

    Attributes:
        kernels: the prior over architectures.
        choices: bool (n, m) architectures with a value.
        columns: (n, k) their features, of mean 0 and variance 1; each has a weight of its own.
        shift, stretch: (k,) what made the features so.
        grams: (g + k, n, n) covariances by kernel and by feature, each of mean diagonal 1.
        scales: (g + k,) what they were divided by for that.
        latent: (n,) the values, warped.
        warp: how.
        variances: chosen by evidence.
        inverse: (n, n) of the covariance of the values.
    """

    kernels: tuple[Kernel, ...]
    choices: Choice
    columns: Floats
    shift: Floats
    stretch: Floats
    grams: Floats
    scales: Floats
    latent: Floats
    warp: Warp
    variances: Variances
    inverse: Floats

    @classmethod
    def fit(
        cls,
        kernels: tuple[Kernel, ...],
        choices: Choice,
        columns: Floats,
        values: Floats,
        *,
        depths: tuple[float, ...] = DEPTHS,
    ) -> Level:
        """Variances and warp of greatest evidence.

        Args:
            kernels: the prior over architectures.
            choices: bool (n, m).
            columns: float64 (n, k) features in any unit.
            values: float64 (n,), lower is better.
            depths: the warps to choose among.
        """
        shift = columns.mean(axis=0)
        spread = columns.std(axis=0)
        # A feature that is the same in every row says nothing: infinite stretch is weight 0.
        stretch = np.where(spread > 1e-9 * (1 + np.abs(shift)), spread, np.inf)
        columns = (columns - shift) / stretch
        grams = np.stack(
            [kernel.gram(choices, choices) for kernel in kernels]
            + [np.outer(column, column) for column in columns.T]
        )
        means = np.einsum("gii->g", grams) / len(choices)
        scales = np.where(means > 0, means, 1.0)
        grams = grams / scales[:, None, None]
        warp, variances = _choose(grams, values, depths)
        return cls(
            kernels=kernels,
            choices=choices,
            columns=columns,
            shift=shift,
            stretch=stretch,
            grams=grams,
            scales=scales,
            latent=warp.forward(values),
            warp=warp,
            variances=variances,
            inverse=inverse_covariance(grams, variances),
        )

    def predict(self, choices: Choice, columns: Floats) -> Latent:
        """Of architectures (n, m) with features (n, k) in the unit they had in `fit`."""
        columns = (columns - self.shift) / self.stretch
        weights = self.variances.kernels / self.scales
        split = len(self.kernels)
        cross = (columns * weights[split:]) @ self.columns.T + CONSTANT
        own = columns**2 @ weights[split:] + CONSTANT
        for weight, kernel in zip(weights[:split], self.kernels, strict=True):
            cross += weight * kernel.gram(choices, self.choices)
            own += weight * kernel.diagonal(choices)
        gained = ((cross @ self.inverse) * cross).sum(axis=1)
        variance = np.maximum(own - gained, 0.0) + self.variances.noise
        return Latent(mean=cross @ (self.inverse @ self.latent), sd=np.sqrt(variance))

    def left_out(self) -> Latent:
        """Of every row from the other rows.

        With few rows the variances are chosen again without the row: they are many for so few, and
        residuals that they have seen look too small.
        """
        n = len(self.latent)
        if n > ROWS_TO_REFIT:
            return _without(self.inverse, self.latent, np.arange(n))
        each = []
        for row in range(n):
            rest = np.delete(np.arange(n), row)
            grams = self.grams[:, rest][:, :, rest]
            variances = choose_variances(grams, self.latent[rest], self.variances.log)
            inverse = inverse_covariance(self.grams, variances)
            each.append(_without(inverse, self.latent, np.array([row])))
        return Latent(
            mean=np.concatenate([one.mean for one in each]),
            sd=np.concatenate([one.sd for one in each]),
        )


def _without(inverse: Floats, latent: Floats, rows: NDArray[np.int_]) -> Latent:
    """Rows, each from all others, by the inverse covariance (Rasmussen & Williams 2006, 5.12)."""
    precision = np.diag(inverse)[rows]
    mean = latent[rows] - (inverse @ latent)[rows] / precision
    return Latent(mean=mean, sd=1 / np.sqrt(precision))


def _choose(grams: Floats, values: Floats, depths: tuple[float, ...]) -> tuple[Warp, Variances]:
    """Warp and variances of greatest evidence.

    The warp is one number and few rows tell it; many rows are thinned evenly for it.
    """
    few = np.unique(np.linspace(0, len(values) - 1, ROWS_FOR_WARP).astype(int))
    some = values[few]
    best: tuple[float, float, Floats | None] = (-np.inf, depths[0], None)
    for depth in depths:
        warp = Warp.of(some, depth)
        found = choose_variances(grams[:, few][:, :, few], warp.forward(some), best[2])
        evidence = found.evidence + warp.log_jacobian(some)
        if evidence > best[0]:
            best = evidence, depth, found.log
    warp = Warp.of(values, best[1])
    return warp, choose_variances(grams, warp.forward(values), best[2])
