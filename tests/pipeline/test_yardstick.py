"""What a search judges outputs by."""

import math

import pytest

from paretune.core import Score, parse_constraint
from paretune.pipeline.yardstick import Yardstick

OWN = Score(split="search", value=0.9, ci95=(0.88, 0.92), n=1000, kl=0.0)
OTHER = OWN.model_copy(update={"value": 0.87, "kl": 0.04})


def of(*texts):
    constraints = [parse_constraint(text) for text in texts]
    return Yardstick.of(constraints), constraints


@pytest.mark.parametrize(
    ("texts", "figure", "least"),
    [
        (["accuracy >= baseline - 0.5 pt"], "accuracy", 0.895),
        (["accuracy >= 0.8", "accuracy > baseline - 2 pt"], "accuracy", 0.88),
        (["divergence <= 0.02 nats"], "divergence", -0.02),
        (["divergence <= 0.02 nats", "divergence < 0.01"], "divergence", -0.01),
        (["divergence <= 0.02 nats", "accuracy >= 0.8"], "divergence", -0.02),
        (["accuracy >= 0.8", "divergence <= 0.02 nats"], "accuracy", 0.8),
        (["latency <= 5 ms"], "accuracy", -math.inf),
    ],
)
def test_it_is_the_figure_that_is_bounded_first_and_the_strictest_bound(texts, figure, least):
    yardstick, constraints = of(*texts)
    assert yardstick.figure == figure
    assert yardstick.least(constraints, OWN) == pytest.approx(least)


def test_higher_is_better_in_both():
    for texts, lost in (("accuracy >= 0.8", "3.0 pt"), ("divergence <= 1", "0.04 nats")):
        yardstick, _ = of(texts)
        assert yardstick.good(OWN) > yardstick.good(OTHER)
        assert yardstick.told(yardstick.good(OWN) - yardstick.good(OTHER)) == lost


def test_the_baseline_s_own_interval():
    assert of("accuracy >= 0.8")[0].own(OWN).ci95 == OWN.ci95
    assert of("divergence <= 1")[0].own(OWN).ci95 == (0.0, 0.0)


def test_outputs_that_are_no_class_scores_do_for_no_bound_on_divergence():
    assert of("divergence <= 1")[0].good(OWN.model_copy(update={"kl": None})) == -math.inf
