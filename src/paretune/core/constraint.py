"""The constraint language: `METRIC OP EXPR`, absolute or relative to the baseline.

EXPR is a sum of terms: a number with a unit (`5 ms`, `20 MB`, `92 %`, `0.5 pt`), `baseline`, or
`baseline` times a number. Every constraint is therefore `value OP factor * baseline + offset`.
"""

from __future__ import annotations

from paretune.core._base import Noun
from paretune.core._constraint_parser import Op, Parser
from paretune.core.errors import InputError
from paretune.core.metric import QUALITY

DEFAULT_CONSTRAINT = "accuracy >= baseline - 0.5 pt"
#: Of a classifier without labels. Agreement with the baseline alone will not do: int8 and bf16
#: that cost no accuracy at all agree on 96 to 99 % of samples, and diverge by 0.0001 to 0.018 nats;
#: found networks that lost a point diverge by more than 0.1 (see docs/measuring.md). Nor will
#: divergence alone: it is small between any outputs that are nearly flat, such as embeddings.
UNLABELLED_CONSTRAINTS = ("divergence <= 0.02 nats", "accuracy >= 90 %")

#: Figures of two measurements of one thing differ by rounding in the last digits.
_SLACK = 1e-9


class Constraint(Noun):
    """A bound on one figure: `metric op factor * baseline + offset`; made by `parse`.

    Attributes:
        text: as the user wrote it.
        metric: a name of `paretune.core.FIGURES`; `latency` has become `latency_p50`.
        op: the comparison.
        factor: multiple of the baseline's value of the same metric; 0 for an absolute bound.
        offset: in the metric's canonical unit: ms, MB, fraction, per second, USD per million.
    """

    text: str
    metric: str
    op: Op
    factor: float
    offset: float

    @property
    def needs_baseline(self) -> bool:
        """Whether the bound depends on the baseline."""
        return self.factor != 0

    @property
    def guards(self) -> bool:
        """Whether it is about how good outputs are, so that nothing that breaks it is raced."""
        return self.metric in QUALITY

    def bound(self, baseline: float | None) -> float:
        """The bound in the metric's canonical unit.

        Args:
            baseline: the baseline's value of the metric; may be None for an absolute bound.

        Raises:
            InputError: the baseline's value is needed and was not measured.
        """
        if not self.needs_baseline:
            return self.offset
        if baseline is None:
            raise InputError(
                f"constraint {self.text!r} needs the baseline's {self.metric} and it was not "
                "measured: give an absolute bound"
            )
        return self.factor * baseline + self.offset

    def satisfied(self, value: float | None, baseline: float | None) -> bool:
        """Whether a variant with that value meets it; a value not measured never does."""
        if value is None:
            return False
        bound = self.bound(baseline)
        slack = _SLACK * max(abs(bound), abs(value))
        match self.op:
            case "<=":
                return value <= bound + slack
            case ">=":
                return value >= bound - slack
            case "<":
                return value < bound - slack
            case ">":
                return value > bound + slack


def parse(text: str) -> Constraint:
    """Read a constraint, such as `latency_p95 <= 5 ms` or `accuracy >= baseline - 0.5 pt`.

    Raises:
        InputError: what cannot be read, and under the text a caret where.
    """
    metric, op, factor, offset = Parser(text).parts()
    return Constraint(text=text, metric=metric, op=op, factor=factor, offset=offset)
