"""Who goes on after a short training: the fast that will be good enough."""

import pytest

from paretune.core import Estimate
from paretune.search.prospect import prospect

OWN = Estimate(value=0.90, ci95=(0.892, 0.908))


def promise(speed, score, growth=1.0, least=0.895):
    return prospect(speed, score, growth, own=OWN, least=least)


def test_of_two_that_suffice_the_faster_leads():
    assert promise(3.0, 0.92) > promise(2.0, 0.93)


def test_at_the_end_who_falls_short_comes_last():
    assert promise(4.0, 0.86) < promise(1.2, 0.90)
    assert promise(4.0, 0.80) < promise(2.0, 0.86)


def test_before_the_end_a_fast_one_is_given_the_benefit_of_more_training():
    assert promise(3.0, 0.89, growth=5.0) > promise(1.3, 0.90, growth=5.0)
    assert promise(3.0, 0.60, growth=5.0) < promise(1.3, 0.90, growth=5.0)


def test_who_lacks_most_is_not_given_the_best_chance_to_lack_nothing():
    # As after the first of four rungs, which takes a fiftieth of the time.
    row = [(1.3, 0.89), (1.5, 0.88), (1.9, 0.865), (2.5, 0.84), (3.7, 0.75)]
    worth = [promise(speed, score, growth=54.0, least=0.90) for speed, score in row]
    assert min(worth[:3]) > worth[3] > worth[4]


def test_a_better_score_is_never_worse():
    for growth in (1.0, 2.0, 8.0):
        row = [promise(2.0, 0.5 + i / 100, growth) for i in range(45)]
        assert row == sorted(row)


@pytest.mark.parametrize("score", [0.0, 0.5])
def test_where_nothing_is_asked_speed_alone_counts(score):
    assert promise(2.0, score, least=float("-inf")) == promise(2.0, 0.9, least=float("-inf"))


@pytest.mark.parametrize("least", [0.895, float("-inf")])
def test_a_network_that_answers_nonsense_promises_nothing(least):
    assert promise(3.0, float("-inf"), least=least) == float("-inf")
    assert promise(3.0, float("-inf"), growth=4.0, least=least) == float("-inf")


def test_minus_a_divergence_is_a_score_too():
    own = Estimate(value=0.0, ci95=(0.0, 0.0))

    def closer(speed, score, growth=1.0):
        return prospect(speed, score, growth, own=own, least=-0.02)

    assert closer(3.0, -0.03) < closer(1.5, -0.015)
    assert closer(3.0, -0.03, growth=10.0) > closer(1.5, -0.015, growth=10.0)
    assert closer(3.0, -0.3, growth=10.0) < closer(1.5, -0.015, growth=10.0)
