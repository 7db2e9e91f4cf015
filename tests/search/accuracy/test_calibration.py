"""How wide intervals are made."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.search.accuracy._calibration import widening


def test_residuals_as_expected_leave_the_interval_as_it_is() -> None:
    z = np.random.default_rng(0).normal(size=4000)
    assert widening(z) == pytest.approx(1.645, rel=0.03)


def test_larger_residuals_widen_and_many_decide() -> None:
    z = np.random.default_rng(0).normal(size=4000)
    assert widening(2 * z) == pytest.approx(3.29, rel=0.03)
    assert widening(2 * z[:16]) < widening(2 * z)
    assert widening(z[:4] * 0) > 1
