"""The final figures: a reference is held against the chosen variant the faster way it can run."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paretune.core import Estimate, Latency, Objective, Score, Silent, Variant
from paretune.measure import Standing
from paretune.pipeline.claims import Claims, claim
from paretune.pipeline.context import Candidate, Context, Shares
from paretune.pipeline.racing import Field
from paretune.pipeline.verdict import decide
from tests.measure.fakes import FakeSubject, Time


def race(
    raced: dict[str, float], now: dict[str, float], tell: Callable[[str, str], object]
) -> tuple[Field, Context]:
    """A race that is over, and a run in which variants take other times by now.

    Args:
        raced: milliseconds by id, as each raced; the first is the model as it came.
        now: milliseconds by id, when they are compared.
        tell: given every condition.
    """
    field, time = Field(), Time()
    owners: dict[str, Candidate] = {}
    for name, ms in raced.items():
        architecture, runtime, precision, ways = name.split("/")
        variant = Variant(
            architecture=architecture, runtime=runtime, precision=precision, threads=int(ways[1])
        )
        assert variant.id == name
        program, built = name.rpartition("/")[0], cast(Any, SimpleNamespace(size_mb=1.0))
        score = Score(split="search", value=0.9, ci95=(0.89, 0.91), n=5000)
        owner = owners.setdefault(program, Candidate(built, {"name": program}, score))
        field.variants[name], field.owner[name] = variant, owner
        field.standings[name] = Standing(
            latency=Latency(p50=ms, p95=ms, p99=ms, ci95=(ms, ms), n=9),
            throughput=Estimate(value=1000 / ms, ci95=(1000 / ms, 1000 / ms)),
            speed=Estimate(value=1 / ms, ci95=(1 / ms, 1 / ms)),
            noise=0.0,
        )
    context = SimpleNamespace(
        open=lambda program, variant: FakeSubject(time, now[variant.id] / 1000),
        request=SimpleNamespace(objective="latency"),
        left=lambda share: 100.0,
        shares=Shares(),
        progress=Silent(),
        tell=tell,
    )
    return field, cast(Context, context)


def claimed(raced: dict[str, float], now: dict[str, float], *, best: str, chosen: str) -> Claims:
    """What is claimed where variants take other times in the comparison than in the race.

    Args:
        raced, now: see `race`.
        best: id of the best compiled baseline, as raced.
        chosen: id of the variant handed back.
    """
    field, context = race(raced, now, lambda *_: None)
    field.winner = chosen
    baseline = next(iter(raced))
    verdict = decide(field, baseline, [], Objective.parse("latency", price_per_hour=None))
    return claim(
        context,
        field,
        {record.id: record for record in verdict.records},
        baseline=baseline,
        chosen=chosen,
        best=best,
        look=lambda: None,
    )


CAME = "net/torch-eager/f32/t2s1b1"
TWO, ONE = "net/openvino/int8/t2s1b1", "net/openvino/int8/t1s1b1"
FOUND = "net+s1/openvino/int8/t1s1b1"


def test_a_reference_that_now_runs_faster_with_the_chosen_one_s_threads_is_compared_so() -> None:
    raced = {CAME: 8.0, TWO: 0.3, ONE: 0.4, FOUND: 0.2}
    now = {CAME: 9.0, TWO: 0.6, ONE: 0.4, FOUND: 0.2}  # two cores are in each other's way
    found = claimed(raced, now, best=TWO, chosen=FOUND)
    assert found.best == ONE
    assert found.ratios.latency_vs_best_compiled_baseline.value == pytest.approx(2.0)
    assert found.ratios.latency_vs_baseline.value == pytest.approx(45.0)
    assert {TWO, ONE} <= found.records.keys()


def test_a_reference_that_is_still_fastest_its_own_way_stays() -> None:
    raced = {CAME: 8.0, TWO: 0.3, ONE: 0.4, FOUND: 0.2}
    found = claimed(raced, raced, best=TWO, chosen=FOUND)
    assert found.best == TWO
    assert found.ratios.latency_vs_best_compiled_baseline.value == pytest.approx(1.5)


def test_the_best_compiled_one_that_is_chosen_itself_is_not_beaten() -> None:
    raced = {CAME: 8.0, TWO: 0.3, ONE: 0.4}
    found = claimed(raced, raced | {TWO: 0.6}, best=TWO, chosen=TWO)
    assert found.best == TWO
    assert found.ratios.latency_vs_best_compiled_baseline.value == 1.0


def test_the_best_f32_counts_the_faster_way_too() -> None:
    two, one = "net/openvino/f32/t2s1b1", "net/openvino/f32/t1s1b1"
    raced = {CAME: 8.0, two: 0.8, one: 1.0, FOUND: 0.2, TWO: 0.3}
    found = claimed(raced, raced | {two: 1.5}, best=TWO, chosen=FOUND)
    assert found.ratios.latency_vs_best_f32 is not None
    assert found.ratios.latency_vs_best_f32.value == pytest.approx(5.0)
