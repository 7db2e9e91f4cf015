"""The closed forms against the long way round."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from paretune.search.accuracy._evidence import (
    CONSTANT,
    KERNEL_PRIOR,
    NOISE_PRIOR,
    choose_variances,
    covariance,
)
from paretune.search.accuracy._kernels import kernels, option_covariances
from paretune.search.accuracy._level import Level
from paretune.search.accuracy._warp import DEPTHS, Warp

from .conftest import World


def level(world: World, n: int) -> Level:
    columns = (world.every @ world.costs)[:n, None]
    return Level.fit(kernels(world.space), world.every[:n], columns, world.drop[:n])


def test_kernels_are_covariances_and_agree_with_their_diagonals(world: World) -> None:
    some = world.every[:60]
    for kernel in kernels(world.space):
        gram = kernel.gram(some, some)
        assert np.linalg.eigvalsh(gram).min() > -1e-8 * np.trace(gram)
        assert np.diag(gram) == pytest.approx(kernel.diagonal(some))


def test_options_hang_together_by_operator_parameters_and_block(world: World) -> None:
    tables, index = option_covariances(world.space), world.space.index
    half, quarter, far, skip = (
        index[f"b{name}"] for name in ("1:narrow(0.5)", "1:narrow(0.25)", "4:narrow(0.5)", "1:skip")
    )
    assert tables["operator"][half, quarter] == tables["operator"][half, far] == 1
    assert tables["parameters"][half, far] == 1
    assert tables["parameters"][half, quarter] == 0
    assert tables["block"][half, skip] == 1
    assert tables["block"][half, far] == tables["operator"][half, skip] == 0
    near = tables["operator within 0.375"]
    assert 1 == near[half, quarter] > near[half, far] > 0
    keep = index["b1:keep"]
    assert not any(table[keep].any() for table in tables.values())
    # No option here shares a signature, which would say the same as `option`.
    assert "signature" not in tables


def test_variances_have_the_greatest_evidence_plus_prior(world: World) -> None:
    fitted = level(world, 40)

    def objective(log: np.ndarray) -> float:
        total = covariance(fitted.grams, replace(fitted.variances, log=log))
        prior = np.r_[[KERNEL_PRIOR] * len(fitted.grams), [NOISE_PRIOR]]
        density = multivariate_normal(np.zeros(40), total).logpdf(fitted.latent)
        return float(density - (((log - prior[:, 0]) / prior[:, 1]) ** 2).sum() / 2)

    best = choose_variances(fitted.grams, fitted.latent)
    at_best = objective(best.log)
    assert at_best == pytest.approx(best.evidence - 20 * np.log(2 * np.pi), abs=1e-3)
    for place, step in product(range(len(best.log)), (-0.5, 0.5)):
        moved = best.log.copy()
        moved[place] += step
        assert objective(moved) < at_best + 0.02


@pytest.mark.parametrize("n", [30, 90])
def test_a_row_left_out_is_predicted_as_if_it_were_new(world: World, n: int) -> None:
    fitted = level(world, n)
    found, rest = fitted.left_out(), np.arange(n) != 4
    grams = fitted.grams[:, rest][:, :, rest]
    variances = fitted.variances
    if n <= 64:
        variances = choose_variances(grams, fitted.latent[rest], variances.log)
    total = covariance(fitted.grams, variances)
    solved = np.linalg.solve(total[np.ix_(rest, rest)], total[rest, 4])
    assert found.mean[4] == pytest.approx(solved @ fitted.latent[rest], abs=1e-6)
    assert found.sd[4] ** 2 == pytest.approx(total[4, 4] - solved @ total[rest, 4], rel=1e-4)


def test_predictions_follow_the_rows_and_know_less_far_away(world: World) -> None:
    fitted = level(world, 40)
    columns = (world.every @ world.costs)[:, None]
    found = fitted.predict(world.every, columns)
    residual = found.mean[:40] - fitted.latent
    assert np.sqrt((residual**2).mean()) < 2 * np.sqrt(fitted.variances.noise)
    assert found.sd[:40].mean() < found.sd[40:].mean()
    assert (found.sd**2 >= fitted.variances.noise).all()
    assert (found.sd**2 < CONSTANT).all()


def test_a_feature_that_is_constant_changes_nothing(world: World) -> None:
    columns = (world.every @ world.costs)[:, None]
    both = np.column_stack([columns, np.full(len(columns), 5.0)])
    fits = [
        Level.fit(kernels(world.space), world.every[:30], table[:30], world.drop[:30])
        for table in (columns, both)
    ]
    moved = both + np.array([0, 1])
    plain, padded = fits[0].predict(world.every, columns), fits[1].predict(world.every, moved)
    assert padded.mean == pytest.approx(plain.mean, abs=1e-2)
    assert padded.sd == pytest.approx(plain.sd, rel=1e-2)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_warp_comes_back_and_knows_its_slope(depth: float) -> None:
    values = np.random.default_rng(0).lognormal(size=40) - 1
    warp = Warp.of(values, depth)
    latent = warp.forward(values)
    assert warp.backward(latent) == pytest.approx(values)
    assert (latent.mean(), latent.std()) == pytest.approx((0, 1))
    slopes = (warp.forward(values + 1e-6) - warp.forward(values - 1e-6)) / 2e-6
    assert np.log(slopes).sum() == pytest.approx(warp.log_jacobian(values), abs=1e-4)


def test_the_evidence_tells_losses_that_compound_from_losses_that_add_up(world: World) -> None:
    random = np.random.default_rng(1)
    few = np.abs(world.every[:50] @ random.normal(size=len(world.costs)) + 4)
    prior, none = kernels(world.space, interactions=False), np.zeros((50, 0))
    compounding, plain = (
        Level.fit(prior, world.every[:50], none, values).warp.compounding(np.median(values))
        for values in (np.exp(few), few)
    )
    assert compounding > 3 * plain
