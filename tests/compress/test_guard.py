"""Which scores may be chosen."""

import pytest

from paretune.compress import broken
from paretune.core import Score, parse_constraint

OWN = Score(split="search", value=0.9, ci95=(0.88, 0.92), n=1000, kl=0.0)


@pytest.mark.parametrize(
    ("constraint", "value", "kl", "said"),
    [
        ("accuracy >= baseline - 0.5 pt", 0.895, 0.5, ""),
        ("accuracy >= baseline - 0.5 pt", 0.89, 0.0, "0.8900 (-1.00 pt)"),
        ("divergence <= 0.02 nats", 0.5, 0.02, ""),
        ("divergence <= 0.02 nats", 0.9, 0.031, "0.031 nats"),
        ("divergence <= 0.02 nats", 0.9, None, "not measured"),
    ],
)
def test_a_score_that_breaks_a_bound_is_told_with_what_it_is(constraint, value, kl, said):
    score = OWN.model_copy(update={"value": value, "kl": kl})
    found = broken(score, OWN, [parse_constraint(constraint)])
    assert found == (f"{constraint} is not met: {said}" if said else "")
