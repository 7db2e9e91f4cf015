"""Variances of a sum of kernels by evidence: empirical Bayes, nothing tuned by hand.

For values t ~ N(0, K) with K = sum_g v_g S_g, the log evidence and its gradient in log v_g are in
closed form (Rasmussen & Williams 2006, equations 5.8 and 5.9). A wide log-normal prior on every
variance keeps the few rows of a small design from making one of them 0 or everything (a type-II
maximum a posteriori; MacKay 1992 for the evidence alone).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Prior of the log variances, for values of variance 1 and kernels of mean diagonal 1: any kernel
#: explains a fifth of the variance give or take a factor of 7, the noise a twentieth, of 4.
KERNEL_PRIOR = (-1.5, 2.0)
NOISE_PRIOR = (-3.0, 1.5)
#: Variance of the constant: wide against values of variance 1, so that it is not shrunk.
CONSTANT = 100.0
_JITTER = 1e-6
#: How far a log variance may leave its prior; keeps every covariance well conditioned.
_WIDTHS = 3.0
#: Relative; the evidence of a few hundred rows is then known to a hundredth of a nat.
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Variances:
    """What the evidence chose.

    Attributes:
        log: (g + 1,) natural logarithms of the kernels' variances and, last, of the noise's.
        evidence: log evidence plus log prior at them, up to a constant.
    """

    log: Floats
    evidence: float

    @property
    def kernels(self) -> Floats:
        """Of the kernels, (g,)."""
        return np.exp(self.log[:-1])

    @property
    def noise(self) -> float:
        """Of one value about the function."""
        return float(np.exp(self.log[-1]))


def covariance(grams: Floats, variances: Variances) -> Floats:
    """Of the values: kernels, constant and noise, float64 (n, n), for `grams` (g, n, n)."""
    n = grams.shape[1]
    noise = (variances.noise + _JITTER) * np.eye(n)
    return np.asarray(np.tensordot(variances.kernels, grams, 1) + CONSTANT + noise)


def inverse_covariance(grams: Floats, variances: Variances) -> Floats:
    """Inverse of `covariance`, float64 (n, n)."""
    return np.asarray(np.linalg.inv(covariance(grams, variances)), dtype=np.float64)


def choose_variances(grams: Floats, values: Floats, start: Floats | None = None) -> Variances:
    """The variances of greatest evidence.

    Args:
        grams: (g, n, n) kernels between the rows, each of mean diagonal 1.
        values: (n,) of mean 0 and variance 1.
        start: (g + 1,) log variances to start from, the prior's mean by default.
    """
    from scipy.linalg import cholesky, lapack
    from scipy.optimize import minimize

    count, n = grams.shape[0], grams.shape[1]
    centre = np.r_[np.full(count, KERNEL_PRIOR[0]), NOISE_PRIOR[0]]
    width = np.r_[np.full(count, KERNEL_PRIOR[1]), NOISE_PRIOR[1]]
    flat = grams.reshape(count, n * n)
    identity = np.eye(n)

    def negative(log: Floats) -> tuple[float, Floats]:
        variances = np.exp(log)
        total = (variances[:-1] @ flat).reshape(n, n) + CONSTANT
        total += (variances[-1] + _JITTER) * identity
        factor = cholesky(total, lower=True, overwrite_a=True, check_finite=False)
        determinant = np.log(np.diag(factor)).sum()
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = inverse @ values
        outer = np.outer(weights, weights) - inverse
        away = (log - centre) / width
        slope = np.r_[flat @ outer.ravel(), np.trace(outer)]
        value = values @ weights / 2 + determinant + (away**2).sum() / 2
        return float(value), -variances * slope / 2 + away / width

    best = minimize(
        negative,
        centre if start is None else start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(centre - _WIDTHS * width, centre + _WIDTHS * width, strict=True)),
        options={"maxiter": 200, "ftol": _TOLERANCE},
    )
    return Variances(log=best.x, evidence=-float(best.fun))
