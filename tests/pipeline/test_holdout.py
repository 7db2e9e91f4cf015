"""What is said where the holdout does not bear out what the search split promised."""

from types import SimpleNamespace

import pytest

from paretune.core import Estimate, Holdout, Score, parse_constraint
from paretune.pipeline.holdout import tell_broken

OWN = Score(split="search", value=0.99, ci95=(0.98, 0.995), n=539, kl=0.0)
SEARCH = OWN.model_copy(update={"value": 0.989, "kl": 0.01})


def said(constraint, value, kl=0.03):
    own = Score(split="holdout", value=0.99, ci95=(0.98, 0.995), n=540, kl=0.0)
    drop = Estimate(value=0.99 - value, ci95=(0.003, 0.03))
    ours = own.model_copy(update={"value": value, "kl": kl})
    heard = []
    context = SimpleNamespace(tell=lambda kind, text: heard.append((kind, text)))
    read = Holdout(baseline=own, chosen=ours, drop=drop)
    tell_broken(context, parse_constraint(constraint), (OWN, SEARCH), read)
    return heard


def test_a_constraint_that_does_not_hold_there_is_told():
    ((kind, text),) = said("accuracy >= baseline - 0.5 pt", 0.975)
    assert kind == "holdout"
    assert "539 samples of the search split" in text
    assert "540 of the holdout: -1.50 pt (-3.00 to -0.30)" in text


def test_a_bound_on_divergence_that_does_not_hold_there_is_told():
    ((kind, text),) = said("divergence <= 0.02 nats", 0.99)
    assert kind == "holdout"
    assert "540 of the holdout: 0.03 nats there" in text


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        ("divergence <= 0.03 nats", 0.9),
        ("accuracy >= baseline - 0.5 pt", 0.986),
        ("latency_p50 <= 5 ms", 0.5),
        ("accuracy >= 99.9 %", 0.975),  # nor did it hold where it was judged
    ],
)
def test_nothing_is_said_of_what_holds_or_is_no_matter_of_accuracy(constraint, value):
    assert said(constraint, value) == []
