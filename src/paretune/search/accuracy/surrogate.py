"""The accuracy surrogate: loss of an architecture from three fidelities, with an interval.

Fidelity t is a Bayesian linear model (`_level.py`) with what fidelity t - 1 predicts as a feature:
f_t(x) = rho * f_{t-1}(x) + delta_t(x), the autoregressive model of Kennedy & O'Hagan (2000) in the
recursive form of Le Gratiet & Garnier (2014). The lowest fidelity, swap-one scores, has one number
an option and is a feature itself. What an architecture's own measurement at t - 1 says about it is
left out of its feature, because most of those to be predicted have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search.accuracy._bounds import Bounds
from paretune.search.accuracy._calibration import widening
from paretune.search.accuracy._features import Features
from paretune.search.accuracy._given import Measured, per_option
from paretune.search.accuracy._kernels import kernels
from paretune.search.accuracy._level import Latent, Level
from paretune.search.accuracy._linear import additive_part
from paretune.search.accuracy._report import SurrogateReport, fidelity_report
from paretune.search.accuracy.prediction import Prediction
from paretune.search.space import Choice, Space

Floats = NDArray[np.float64]

#: Rows that are predicted at a time, so that memory stays bounded.
_CHUNK = 4096


@dataclass(frozen=True)
class Fidelity:
    """One measured fidelity.

    Attributes:
        name: `untrained` or `anchors`.
        measured: its architectures and values.
        level: the model fitted to them.
        left_out: prediction of each row from the others.
        widening: half-width of its intervals in standard deviations.
        bounds: between which losses are taken to lie; None where there are no scores.
    """

    name: str
    measured: Measured
    level: Level
    left_out: Latent
    widening: float
    bounds: Bounds | None


@dataclass(frozen=True)
class AccuracySurrogate:
    """Predicts the loss of any architecture of a space.

    Attributes:
        space: the architectures.
        features: what is known of each before it is measured whole.
        fidelities: the measured ones, the dearest last; none where only scores were given.
        seed: of the architectures that `linear` samples.
    """

    space: Space
    features: Features
    fidelities: tuple[Fidelity, ...]
    seed: int

    @classmethod
    def fit(
        cls,
        space: Space,
        *,
        swap_one: Floats | None = None,
        untrained: tuple[Choice, Floats] | None = None,
        anchors: tuple[Choice, Floats] | None = None,
        costs: Floats | None = None,
        seed: int = 0,
    ) -> AccuracySurrogate:
        """Fit whatever was measured; at least one fidelity is needed.

        Args:
            space: the architectures.
            swap_one: float64 (m,) divergence to the baseline with one option put in, in nats.
            untrained: bool (n, m) compositions that were not trained whole, and their loss (n,):
                divergence, or points of accuracy.
            anchors: bool (n, m) compositions that were trained as they would be in the end, and
                their loss (n,) in the unit that predictions are wanted in.
            costs: float64 (m,) of each option, such as FLOPs: dearer options tend to lose less.
            seed: of the architectures that `linear` samples.

        Raises:
            InputError: nothing was measured, shapes do not fit the space, a value is not finite, a
                row is no architecture, or a fidelity has fewer than 4 different architectures.
        """
        features = Features.of(
            space, per_option(space, "swap_one", swap_one), per_option(space, "costs", costs)
        )
        found = cls(space=space, features=features, fidelities=(), seed=seed)
        for name, given in (("untrained", untrained), ("anchors", anchors)):
            if given is not None:
                found = found._with(name, Measured.of(space, name, *given))
        if not found.fidelities and swap_one is None:
            raise InputError(
                "the accuracy surrogate has nothing to learn from: give swap_one, untrained or "
                "anchors"
            )
        return found

    def predict(self, choices: Choice) -> Prediction:
        """Loss of architectures, bool (n, m) or (m,), with 90 % intervals.

        Where only swap-one scores were given, the interval runs from the sum of the scores, right
        for changes that do not meet, to the square of the sum of their roots, right for changes
        that all push the same way; its middle is their geometric mean.
        """
        rows = np.atleast_2d(choices)
        if not self.fidelities:
            apart, together = self.features.apart(rows), self.features.together(rows)
            middle = np.clip(np.sqrt(apart * together), apart, together)
            return Prediction(mean=middle, low=apart, high=together)
        top = self.fidelities[-1]
        latent, warp = self._latent(rows), top.level.warp
        margin = top.widening * latent.sd
        bounds = (-np.inf, np.inf) if top.bounds is None else top.bounds(rows)
        mean, low, high = (
            np.clip(warp.backward(latent.mean + side * margin), *bounds) for side in (0, -1, 1)
        )
        return Prediction(mean=mean, low=low, high=high)

    def linear(self) -> Floats:
        """Weight of each option, float64 (m,); their sum is nearly the mean less a constant.

        Options that keep a block weigh 0, so weights are losses against keeping; a better option
        may weigh less than 0.
        """
        return self._linear.copy()

    def report(self, costs: dict[str, Floats] | None = None) -> SurrogateReport:
        """How well each fidelity is predicted, by leaving rows out, beside simpler regressions.

        Args:
            costs: float64 (m,) of each option by name, such as FLOPs and parameters; each becomes
                a regression on its sum. By default what `fit` was given as costs.
        """
        own = {} if self.features.costs is None else {"costs": self.features.costs}
        by_name = _checked(self.space, costs or own)
        return SurrogateReport(
            fidelities=tuple(
                fidelity_report(
                    name=one.name,
                    measured=one.measured,
                    level=one.level,
                    left_out=one.left_out,
                    widening=one.widening,
                    features=self.features,
                    costs=by_name,
                )
                for one in self.fidelities
            )
        )

    @cached_property
    def _linear(self) -> Floats:
        seen = [one.measured.choices for one in self.fidelities]
        return additive_part(self.space, self._additive_scale, self._mean, seen, seed=self.seed)

    def _mean(self, rows: Choice) -> Floats:
        return self.predict(rows).mean

    def _additive_scale(self, rows: Choice) -> Floats:
        """Prediction (n,) on the scale where losses add up best."""
        return self._latent(rows).mean if self.fidelities else self.features.apart(rows)

    def _latent(self, rows: Choice) -> Latent:
        """Of the highest fidelity, in chunks."""
        parts = [rows[start : start + _CHUNK] for start in range(0, max(len(rows), 1), _CHUNK)]
        *below, top = self.fidelities
        found = [top.level.predict(part, self._columns(part, tuple(below))) for part in parts]
        mean = np.concatenate([one.mean for one in found])
        if top.bounds is not None:
            mean = np.clip(mean, *top.bounds.latent(rows, top.level.warp))
        return Latent(mean=mean, sd=np.concatenate([one.sd for one in found]))

    def _columns(self, rows: Choice, below: tuple[Fidelity, ...]) -> Floats:
        """Features (n, k) of a fidelity: of the architecture, and what the one below predicts."""
        columns = self.features(rows)
        if not below:
            return columns
        one = below[-1]
        mean = one.level.predict(rows, self._columns(rows, below[:-1])).mean
        place = one.measured.find(rows)
        mean = np.where(place >= 0, one.left_out.mean[place], mean)
        return np.column_stack([columns, mean, mean**2])

    def _with(self, name: str, measured: Measured) -> AccuracySurrogate:
        """With one more fidelity on top."""
        columns = self._columns(measured.choices, self.fidelities)
        level = Level.fit(kernels(self.space), measured.choices, columns, measured.values)
        left_out = level.left_out()
        z = (level.latent - left_out.mean) / left_out.sd
        one = Fidelity(
            name=name,
            measured=measured,
            level=level,
            left_out=left_out,
            widening=widening(z),
            bounds=Bounds.of(self.features, measured),
        )
        return replace(self, fidelities=(*self.fidelities, one))


def _checked(space: Space, costs: Mapping[str, Floats]) -> dict[str, Floats]:
    rows = {name: per_option(space, name, row) for name, row in costs.items()}
    return {name: row for name, row in rows.items() if row is not None}
