"""The integer programme against brute force and against a dynamic programme."""

from __future__ import annotations

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import KEEP, Option, Space
from paretune.search.solve import Cut, apart, best, cheapest, reach

from .spaces import every, make, numbers, staircase


@pytest.mark.parametrize("seed", range(3))
def test_it_is_brute_force_where_options_cover_several_blocks(seed: int) -> None:
    space = make(4, 2)
    loss, latency = numbers(space, seed)
    choices = every(space)
    losses, times = choices @ loss, choices @ latency
    for budget in [*np.linspace(times.min(), times.max(), 15), *times[::9]]:
        found = best(space, loss=loss, latency=latency, budget=budget)
        assert found is not None
        assert space.valid(found)
        assert found @ latency <= budget + 1e-9
        assert found @ loss == pytest.approx(losses[times <= budget + 1e-9].min(), abs=1e-9)


def test_it_is_a_dynamic_programme_on_a_space_too_large_to_list() -> None:
    space = make(12, 6)
    loss, latency = numbers(space, 0)
    for time, least in staircase(space, loss, latency)[::40]:
        found = best(space, loss=loss, latency=latency, budget=time)
        assert found is not None
        assert found @ loss == pytest.approx(least, abs=1e-9)


@pytest.mark.reference
def test_it_is_brute_force_on_every_network_of_nas_bench_macro(macro) -> None:
    error = macro.points[:, 0]
    loss = np.linalg.lstsq(macro.choices.astype(float), error, rcond=None)[0]
    losses = macro.choices @ loss
    random = np.random.default_rng(0)
    spread = np.linspace(macro.flops.min(), macro.flops.max(), 60)
    for budget in [*spread, *random.choice(macro.flops, 60)]:
        found = best(macro.space, loss=loss, latency=macro.latency, budget=budget)
        assert found is not None
        assert found @ loss == pytest.approx(losses[macro.flops <= budget + 1e-6].min(), abs=1e-8)


def test_what_is_over_the_budget_by_less_than_the_solver_sees_is_refused() -> None:
    options = (
        Option(id="k", first=0, last=0, operator=KEEP),
        Option(id="a", first=0, last=0, operator="x"),
        Option(id="b", first=0, last=0, operator="x"),
    )
    space = Space(blocks=1, options=options)
    latency = np.array([1.0 + 2e-8, 1.0 + 1e-8, 1.0])
    found = best(space, loss=np.array([0.0, 1.0, 2.0]), latency=latency, budget=1.0)
    assert found is not None
    assert space.name(found) == "b"


def test_small_differences_decide_beside_large_losses() -> None:
    space = make(2, 2, longest=1)
    loss = np.array([5e3, 5e3 + 1e-4, 5e3 - 1e-4, 0.0, 2e-4, 1e-4])
    found = best(space, loss=loss, latency=np.zeros(6), budget=0.0)
    assert found is not None
    assert space.name(found) == "b0:p1"


def test_nothing_meets_a_budget_below_what_can_be_reached() -> None:
    space = make(5, 2)
    loss, latency = numbers(space, 1)
    ends = reach(space, latency, base=0.5)
    times = every(make(4, 2)) @ numbers(make(4, 2), 1)[1]
    assert reach(make(4, 2), numbers(make(4, 2), 1)[1]).low == pytest.approx(times.min())
    greatest = reach(make(4, 2), numbers(make(4, 2), 1)[1]).greatest
    assert greatest @ numbers(make(4, 2), 1)[1] == pytest.approx(times.max())

    def at(budget: float) -> object:
        return best(space, loss=loss, latency=latency, budget=budget, base_latency=0.5)

    assert at(ends.low) is not None
    assert at(ends.low - 1e-6) is None
    assert at(-np.inf) is None
    free = best(space, loss=loss, latency=latency, budget=np.inf)
    assert free is not None
    assert free @ loss == pytest.approx(reach(space, loss).low)


def test_cheapest_is_best_turned_round() -> None:
    space = make(4, 2)
    loss, latency = numbers(space, 2)
    choices = every(space)
    losses, times = choices @ loss, choices @ latency
    for allowed in np.linspace(losses.min(), losses.max(), 8):
        found = cheapest(space, loss=loss, latency=latency, allowed=allowed)
        assert found is not None
        assert found @ latency == pytest.approx(times[losses <= allowed + 1e-9].min(), abs=1e-9)
    assert cheapest(space, loss=loss, latency=latency, allowed=losses.min() - 1) is None


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_distance_cuts_keep_exactly_what_is_far_enough(blocks: int) -> None:
    space = make(4, 1)
    choices = every(space)
    chosen = space.of(["b0:keep", "b1-2:merge", "b3:p0"])
    owner = [np.argmax(space.covers & row, axis=1) for row in choices]
    differ = [(np.argmax(space.covers & chosen, axis=1) != own).sum() for own in owner]
    assert apart(space, chosen, blocks).holds(choices).tolist() == [n >= blocks for n in differ]


def test_a_second_resource_is_a_cut() -> None:
    space = make(4, 2)
    loss, latency = numbers(space, 3)
    size = np.random.default_rng(3).uniform(0, 1, len(loss))
    choices = every(space)
    limit, budget = np.quantile(choices @ size, 0.2), np.median(choices @ latency)
    found = best(space, loss=loss, latency=latency, budget=budget, cuts=[Cut(size, limit)])
    assert found is not None
    able = (choices @ size <= limit) & (choices @ latency <= budget)
    assert found @ loss == pytest.approx((choices @ loss)[able].min(), abs=1e-9)


def test_numbers_that_do_not_fit_are_refused() -> None:
    space = make(3, 1)
    loss, latency = numbers(space, 0)
    with pytest.raises(InputError, match="one number an option"):
        best(space, loss=loss[1:], latency=latency, budget=1.0)
    loss[2] = np.inf
    with pytest.raises(InputError, match=r"loss of option 'b0-1:merge' is not finite"):
        best(space, loss=loss, latency=latency, budget=1.0)
    with pytest.raises(InputError, match="not a number"):
        best(space, loss=latency, latency=latency, budget=np.nan)
