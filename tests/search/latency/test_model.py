"""The latency model on made-up machines whose truth is known."""

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import KEEP, Option, Space
from paretune.search.latency import LEAST, LatencyModel, Reading, design, fit

BLOCKS, PLAIN = 8, 4


@pytest.fixture(scope="module")
def space():
    options = []
    for block in range(BLOCKS):
        kind = "early" if block < 4 else "late"
        options.append(
            Option(id=f"b{block}:{KEEP}", first=block, last=block, operator=KEEP, signature=kind)
        )
        options += [
            Option(
                id=f"b{block}:p{k}",
                first=block,
                last=block,
                operator="plain",
                signature=f"{kind} {k}",
            )
            for k in range(PLAIN)
        ]
    return Space(blocks=BLOCKS, options=tuple(options))


@pytest.fixture(scope="module")
def truth(space):
    """Time of each option in company: what a profile says, and 20 % more or less for some."""
    random = np.random.default_rng(3)
    profiled, real = {}, {}
    for option in space.options:
        if option.signature not in profiled:
            profiled[option.signature] = random.uniform(0.02, 0.2)
            real[option.signature] = profiled[option.signature] * random.choice([0.8, 1.0, 1.2])
    return profiled, real


def reading(space, choice, truth, random=None, shares=True):
    profiled, real = truth
    options = space.chosen(choice)
    time = 0.1 + sum(real[o.signature] for o in options)
    if random is not None:
        time *= np.exp(random.normal(0, 0.01))
    total = sum(profiled[o.signature] for o in options)
    told = {o.id: profiled[o.signature] / total for o in options} if shares else {}
    return Reading(
        options=tuple(o.id for o in options), speed=1 / time, ci95=(1 / time, 1 / time), shares=told
    )


def costs(space):
    return {option.id: (1000, 10) for option in space.options}


def error(space, model, truth, n=100):
    rows = space.sample(np.random.default_rng(9), n)
    real = np.array([1 / reading(space, row, truth).speed for row in rows])
    return float(np.mean(np.abs(model.predict(rows) / real - 1)))


def test_it_predicts_unseen_networks(space, truth):
    random = np.random.default_rng(0)
    rows = design(space, 30, np.random.default_rng(1))
    model = fit(space, [reading(space, row, truth, random) for row in rows], costs(space))
    assert error(space, model, truth) < 0.02
    assert model.error < 0.04
    assert model.profiled == 1.0


def test_corrections_beat_profiles_alone(space, truth):
    rows = design(space, 30, np.random.default_rng(1))
    few = [reading(space, row, truth) for row in rows[:5]]
    many = [reading(space, row, truth) for row in rows]
    errors = [error(space, fit(space, some, costs(space)), truth) for some in (few, many)]
    assert errors[1] < 0.5 * errors[0]


def test_it_is_linear_in_the_options(space, truth):
    rows = design(space, 20, np.random.default_rng(1))
    model = fit(space, [reading(space, row, truth) for row in rows], costs(space))
    row = space.sample(np.random.default_rng(5), 1)[0]
    assert model.predict(row)[0] == pytest.approx(model.intercept + model.weights[row].sum())


def test_same_signature_same_weight(space, truth):
    rows = design(space, 20, np.random.default_rng(1))
    model = fit(space, [reading(space, row, truth) for row in rows], costs(space))
    assert model.weights[space.index["b0:p1"]] == model.weights[space.index["b3:p1"]]


def test_whole_networks_do_where_no_profile_is_told(space, truth):
    rows = design(space, 40, np.random.default_rng(1))
    model = fit(space, [reading(space, row, truth, shares=False) for row in rows], costs(space))
    assert model.profiled == 0.0
    assert error(space, model, truth) < 0.05


def test_too_few_networks_are_refused(space, truth):
    rows = design(space, 3, np.random.default_rng(1))
    with pytest.raises(InputError, match="3 networks could be timed, and a latency model needs 4"):
        fit(space, [reading(space, row, truth) for row in rows], costs(space))


def test_a_space_of_few_architectures_needs_no_more_than_it_has(truth):
    keep = Option(id="b0:keep", first=0, last=0, operator=KEEP, signature="early")
    small = Space(
        blocks=1,
        options=(keep, keep.model_copy(update={"id": "b0:p", "operator": "p", "signature": "p"})),
    )
    rows = design(small, 20, np.random.default_rng(0))
    assert [small.name(row) for row in rows] == ["b0:p"]
    readings = [
        Reading(options=(name,), speed=speed, ci95=(speed, speed))
        for name, speed in (("b0:keep", 1.0), ("b0:p", 2.0))
    ]
    model = fit(small, readings, costs(small))
    assert model.predict(rows)[0] == pytest.approx(0.5, abs=0.05)


def test_a_network_is_measured_once(space):
    few = Space(blocks=2, options=tuple(o for o in space.options if o.last < 2 and "2" not in o.id))
    rows = design(few, 200, np.random.default_rng(1))
    assert len(np.unique(rows, axis=0)) == len(rows) == few.count() - 1  # all but the baseline


def test_nothing_takes_no_time(space):
    flat = LatencyModel(np.full(len(space.options), -0.1), 0.3, error=0.0, profiled=1.0)
    assert (flat.predict(space.sample(np.random.default_rng(0), 5)) == LEAST).all()


def test_the_design_shows_every_piece_more_evenly_than_chance(space):
    rows = design(space, 12, np.random.default_rng(1))
    chance = space.sample(np.random.default_rng(1), 12)
    kinds = [option.signature for option in space.options]

    def least(choices):
        seen = dict.fromkeys(kinds, 0)
        for choice in choices:
            for name in {kinds[place] for place in np.flatnonzero(choice)}:
                seen[name] += 1
        return min(seen.values())

    assert least(rows) > least(chance)
