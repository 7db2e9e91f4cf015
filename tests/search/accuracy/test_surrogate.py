"""The surrogate as a whole: any subset of fidelities, ranks, intervals, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from paretune.core import InputError
from paretune.search.accuracy import AccuracySurrogate, anchors_design

from .conftest import World


def rows(world: World, n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(len(world.every), n, replace=False)


def given(world: World, n_anchors: int = 16, seed: int = 0) -> dict[str, Any]:
    """All three fidelities; the anchors are among the untrained."""
    untrained = rows(world, 120, seed)
    anchors = untrained[:n_anchors]
    return {
        "swap_one": world.scores,
        "untrained": (world.every[untrained], world.divergence[untrained]),
        "anchors": (world.every[anchors], world.drop[anchors]),
        "costs": world.costs,
    }


def rank(world: World, surrogate: AccuracySurrogate) -> float:
    return float(spearmanr(surrogate.predict(world.every).mean, world.drop).statistic)


@pytest.mark.parametrize(
    ("kinds", "least"),
    [
        (("swap_one",), 0.8),
        (("untrained",), 0.8),
        (("anchors",), 0.7),
        (("swap_one", "untrained"), 0.8),
        (("untrained", "anchors", "costs"), 0.9),
        (("swap_one", "untrained", "anchors", "costs"), 0.9),
    ],
)
def test_any_subset_of_fidelities_ranks(world: World, kinds: tuple[str, ...], least: float) -> None:
    everything = given(world)
    surrogate = AccuracySurrogate.fit(world.space, **{kind: everything[kind] for kind in kinds})
    found = surrogate.predict(world.every)
    assert found.mean.shape == found.low.shape == found.high.shape == (len(world.every),)
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert rank(world, surrogate) > least


def test_lower_fidelities_help_few_anchors(world: World) -> None:
    with_below, alone = [], []
    for seed in range(4):
        everything = given(world, n_anchors=12, seed=seed)
        del everything["swap_one"]
        with_below.append(rank(world, AccuracySurrogate.fit(world.space, **everything)))
        del everything["untrained"]
        alone.append(rank(world, AccuracySurrogate.fit(world.space, **everything)))
    assert np.mean(with_below) > np.mean(alone) + 0.01


def test_a_lower_fidelity_tells_an_anchor_nothing_that_it_measured_of_it(world: World) -> None:
    surrogate = AccuracySurrogate.fit(world.space, **given(world))
    below, top = surrogate.fidelities
    place = below.measured.find(top.measured.choices)
    assert (place >= 0).all()
    of_anchors = surrogate._columns(top.measured.choices, (below,))[:, -2]
    assert of_anchors == pytest.approx(below.left_out.mean[place])
    new = world.every[below.measured.find(world.every) < 0][:9]
    of_new = surrogate._columns(new, (below,))[:, -2]
    assert of_new == pytest.approx(below.level.predict(new, surrogate.features(new)).mean)


def test_intervals_hold_what_is_measured_later(world: World) -> None:
    shares = []
    for seed in range(6):
        picked = rows(world, 24, seed)
        anchors = (world.every[picked], world.drop[picked])
        found = AccuracySurrogate.fit(world.space, anchors=anchors).predict(world.every)
        inside = (world.drop >= found.low) & (world.drop <= found.high)
        inside[picked] = False
        shares.append(inside.sum() / (len(inside) - len(picked)))
    assert 0.83 < np.mean(shares) < 0.97


def test_predictions_are_in_the_unit_of_the_anchors(world: World) -> None:
    found = AccuracySurrogate.fit(world.space, **given(world)).predict(world.every)
    typical = np.abs(world.drop - np.median(world.drop)).mean()
    assert np.abs(found.mean - world.drop).mean() < typical / 3


def test_swap_one_alone_is_between_changes_apart_and_together(world: World) -> None:
    surrogate = AccuracySurrogate.fit(world.space, swap_one=world.scores)
    one = world.space.with_option(world.space.baseline(), world.space.index["b2:skip"])
    found = surrogate.predict(one)
    score = world.scores[world.space.index["b2:skip"]]
    assert [*found.low, *found.mean, *found.high] == pytest.approx([score] * 3)
    two = world.space.with_option(one, world.space.index["b4:skip"])
    assert surrogate.predict(two).high[0] > surrogate.predict(two).low[0] * 1.5


def test_the_same_data_and_seed_give_the_same_answers(world: World) -> None:
    first, second = (AccuracySurrogate.fit(world.space, **given(world)) for _ in range(2))
    assert (first.predict(world.every).high == second.predict(world.every).high).all()
    assert (first.linear() == second.linear()).all()


def test_many_architectures_are_predicted_as_few_are(world: World) -> None:
    surrogate = AccuracySurrogate.fit(world.space, **given(world))
    many = np.concatenate([world.every] * 3)
    assert len(many) > 4096
    found = surrogate.predict(many).high[-5:]
    assert found == pytest.approx(surrogate.predict(world.every[-5:]).high)


def test_an_architecture_measured_twice_counts_once_by_its_mean(world: World) -> None:
    choices, values = given(world)["anchors"]
    twice = (np.concatenate([choices, choices[:3]]), np.r_[values, values[:3] + 0.4])
    values = values.copy()
    values[:3] += 0.2
    merged = AccuracySurrogate.fit(world.space, anchors=twice).predict(world.every)
    plain = AccuracySurrogate.fit(world.space, anchors=(choices, values)).predict(world.every)
    assert merged.mean == pytest.approx(plain.mean)


def test_losses_that_do_not_differ_are_predicted_so(world: World) -> None:
    anchors = (world.every[:8], np.full(8, 0.3))
    surrogate = AccuracySurrogate.fit(world.space, anchors=anchors)
    found = surrogate.predict(world.every)
    assert np.isfinite([found.mean, found.low, found.high]).all()
    assert found.mean[:8] == pytest.approx(np.full(8, 0.3), abs=0.2)
    assert surrogate.report().fidelities[0].spearman is None


def test_the_report_shows_that_the_surrogate_beats_simpler_regressions(world: World) -> None:
    picked = anchors_design(world.space, 24, np.random.default_rng(0), candidates=world.every)
    places = [int(np.flatnonzero((world.every == row).all(axis=1))[0]) for row in picked]
    everything = given(world) | {"anchors": (picked, world.drop[places])}
    report = AccuracySurrogate.fit(world.space, **everything).report({"FLOPs": world.costs})
    below, top = report.fidelities
    assert (below.name, below.n, top.name, top.n) == ("untrained", 120, "anchors", 24)
    costs = top.costs["FLOPs"]
    assert None not in (top.spearman, top.additive, top.swap_one, costs)
    assert top.spearman > max(top.additive, top.swap_one, costs)
    assert top.compounding > 1.3
    assert 0.75 <= top.coverage <= 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "nothing to learn from"),
        ({"swap_one": np.zeros(3)}, "one figure for each of the 29 options"),
        ({"costs": np.full(29, np.nan), "swap_one": np.zeros(29)}, r"costs\[0\] is nan"),
        ({"anchors": (np.zeros((5, 29), dtype=bool), np.zeros(5))}, "row 0 of anchors is no arch"),
        ({"anchors": (np.zeros((5, 28), dtype=bool), np.zeros(5))}, r"shape \(n, 29\)"),
    ],
)
def test_what_does_not_fit_is_refused(world: World, change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        AccuracySurrogate.fit(world.space, **change)


def test_too_few_or_broken_measurements_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="untrained has 3 different architectures"):
        AccuracySurrogate.fit(world.space, untrained=(world.every[:3], world.drop[:3]))
    values = np.r_[np.inf, world.drop[:7]]
    with pytest.raises(InputError, match=r"anchors\[0\] is inf"):
        AccuracySurrogate.fit(world.space, anchors=(world.every[:8], values))


def test_what_alone_loses_far_more_than_any_network_seen_is_no_gain(world: World) -> None:
    option = int(np.argmax(world.scores))
    scores = world.scores.copy()
    scores[option] = 300 * scores.max()
    has = world.every[:, option]
    some = np.random.default_rng(0).choice(np.flatnonzero(~has), 40, replace=False)
    # Among those that were seen, the more of it changes the less a network loses.
    losses = 2 * world.divergence.max() - world.divergence[some]
    surrogate = AccuracySurrogate.fit(
        world.space, swap_one=scores, untrained=(world.every[some], losses)
    )
    found = surrogate.predict(world.every)
    assert found.mean[has].min() > losses.max()
    # Nor does it lose more than anybody could: twice the most that was seen of changes together.
    apart, together = (
        surrogate.features.apart(world.every),
        surrogate.features.together(world.every),
    )
    most = np.maximum(*(2 * (losses / one[some]).max() * one for one in (apart, together)))
    assert (found.high <= losses.max() + most + 1e-9).all()
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
