"""Random search, evolution and the controller."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from paretune.core import InputError
from paretune.search import Space
from paretune.search.comparators import (
    Controller,
    Evaluation,
    RandomSearch,
    RegularisedEvolution,
    Strategy,
    reward,
    run,
)
from paretune.search.solve import hypervolume

from .oracles import Counting, Table, make

EXPONENTS = (-0.02, -0.07, -0.2)
Maker = Callable[[Space, int], Strategy]


def random_search(space: Space, seed: int) -> Strategy:
    return RandomSearch(space, random=np.random.default_rng(seed))


def evolution(space: Space, seed: int) -> Strategy:
    random = np.random.default_rng(seed)
    return RegularisedEvolution(space, target_ms=3.0, random=random, exponents=EXPONENTS)


def controller(space: Space, seed: int) -> Strategy:
    random = np.random.default_rng(seed)
    return Controller(space, target_ms=3.0, random=random, exponents=EXPONENTS)


ALL = [random_search, evolution, controller]


@pytest.mark.parametrize("maker", ALL)
def test_proposals_are_architectures_and_a_seed_repeats_them(maker: Maker) -> None:
    space = make(6, 3)
    once, again = (run(maker(space, 3), Counting(space), budget=200.0) for _ in range(2))
    assert all(space.valid(trial.choice) for trial in once)
    assert [t.choice.tobytes() for t in once] == [t.choice.tobytes() for t in again]
    other = run(maker(space, 4), Counting(space), budget=200.0)
    assert [t.choice.tobytes() for t in once] != [t.choice.tobytes() for t in other]


@pytest.mark.parametrize("maker", [evolution, controller])
def test_rewards_rise_as_a_strategy_learns(maker: Maker) -> None:
    space = make(8, 4)
    oracle = Counting(space)

    def late_minus_early(make_one: Maker) -> float:
        gains = []
        for seed in range(3):
            trials = run(make_one(space, seed), oracle, budget=2000.0)
            rewards = [reward(trial.evaluation, 3.0) for trial in trials]
            gains.append(np.mean(rewards[200:300]) - np.mean(rewards[:20]))
        return float(np.mean(gains))

    assert late_minus_early(maker) > 0.02
    assert late_minus_early(random_search) < 0.01


def test_random_search_draws_every_architecture_once() -> None:
    space = make(3, 1)
    trials = run(random_search(space, 0), Counting(space), budget=1e9)
    assert len(trials) == space.count()


def test_random_search_itself_avoids_what_it_was_told() -> None:
    space = make(3, 1)
    search = RandomSearch(space, random=np.random.default_rng(0))
    drawn = set()
    for _ in range(8):
        choice = search.ask()
        search.tell(choice, Evaluation(0.5, 1.0, 1.0))
        drawn.add(choice.tobytes())
    assert len(drawn) == 8


def test_every_exponent_has_a_policy_that_learns_for_it() -> None:
    space = make(6, 3)
    oracle = Counting(space)
    policy = Controller(
        space, target_ms=3.0, random=np.random.default_rng(0), exponents=[0.0, -3.0]
    )
    latency = []
    for _ in range(300):
        choice = policy.ask()
        evaluation = oracle.evaluate(choice)
        policy.tell(choice, evaluation)
        latency.append(evaluation.latency_ms)
    assert np.mean(latency[201::2]) < 0.8 * np.mean(latency[200::2])


def test_the_oldest_dies_however_good() -> None:
    space = make(4, 2)
    evolved = RegularisedEvolution(
        space, target_ms=1.0, random=np.random.default_rng(0), population=4, sample=4
    )
    star = space.of(["b0-1:merge", "b2-3:merge"])
    evolved.tell(star, Evaluation(1.0, 1.0, 1.0))
    others = space.sample(np.random.default_rng(1), 4)
    for choice in others[:3]:
        evolved.tell(choice, Evaluation(0.5, 1.0, 1.0))
    parents = {space.mutate(star, np.random.default_rng(s)).tobytes() for s in range(200)}
    assert {evolved.ask().tobytes() for _ in range(20)} <= parents
    evolved.tell(others[3], Evaluation(0.9, 1.0, 1.0))
    children = {space.mutate(others[3], np.random.default_rng(s)).tobytes() for s in range(200)}
    assert {evolved.ask().tobytes() for _ in range(20)} <= children


def test_a_controller_settles_on_the_best_option_of_every_block() -> None:
    space = make(5, 3)
    oracle = Counting(space)
    policy = Controller(
        space, target_ms=1.0, random=np.random.default_rng(0), exponents=[0.0], entropy=0.01
    )
    run(policy, oracle, budget=700.0)
    asked = np.array([policy.ask() for _ in range(50)])
    best = max(
        0.95 - choice @ oracle.loss for choice in space.sample(np.random.default_rng(1), 5000)
    )
    assert np.mean([0.95 - choice @ oracle.loss for choice in asked]) > best - 0.02


def test_entropy_keeps_a_controller_exploring() -> None:
    space = make(5, 3)

    def kinds(entropy: float) -> int:
        random = np.random.default_rng(0)
        policy = Controller(space, target_ms=1.0, random=random, entropy=entropy)
        run(policy, Counting(space), budget=2000.0)
        return len({policy.ask().tobytes() for _ in range(100)})

    assert kinds(2.0) > kinds(0.0) + 10


def test_the_reward_is_that_of_mnasnet() -> None:
    slow, fast = (Evaluation(0.8, ms, 1.0) for ms in (20.0, 10.0))
    assert reward(fast, 10.0) == pytest.approx(0.8)
    # Twice the latency is worth 5 % more accuracy, as the paper says of this exponent.
    assert reward(fast, 10.0) / reward(slow, 10.0) == pytest.approx(1.05, abs=0.001)


def test_what_cannot_be_searched_is_refused() -> None:
    space, random = make(3, 1), np.random.default_rng(0)
    with pytest.raises(InputError, match="exponent"):
        Controller(space, target_ms=1.0, random=random, exponents=[])
    with pytest.raises(InputError, match="sample=9"):
        RegularisedEvolution(space, target_ms=1.0, random=random, population=8, sample=9)


@pytest.mark.reference
@pytest.mark.parametrize("maker", [evolution, controller])
def test_learning_beats_chance_on_nas_bench_macro(maker: Maker, macro) -> None:
    corner = (20.0, float(macro.flops.max()))

    def area(make_one: Maker) -> float:
        found = []
        for seed in range(5):
            trials = run(make_one(macro.space, seed), Table(macro), budget=300)
            known = np.array([trial.choice for trial in trials])
            found.append(hypervolume(macro.points[macro.rows(known)], corner))
        return float(np.mean(found) / hypervolume(macro.points, corner))

    assert area(maker) > area(random_search) + 0.02
