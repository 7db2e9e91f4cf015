"""Of two networks that a search found, the one is taken that is likelier to be worth it."""

import pytest

from paretune.core import Estimate, Latency, Objective, Score, Variant, parse_constraint
from paretune.measure import Standing
from paretune.pipeline.context import Candidate
from paretune.pipeline.preference import pass_over
from paretune.pipeline.racing import Field
from paretune.pipeline.verdict import decide

GUARD = "accuracy >= baseline - 0.5 pt"


def entered(field, architecture, speed, drop, half=0.006, n=5000, size=1.0):
    """A variant `speed` times as fast as the baseline, that loses `drop` of its accuracy.

    It diverges by as many nats, with an interval as wide.
    """
    variant = Variant(architecture=architecture, runtime="openvino", precision="int8")
    score = Score(
        split="search", value=0.895 - drop, ci95=(0.88 - drop, 0.91 - drop), n=n,
        drop=Estimate(value=drop, ci95=(drop - half, drop + half)),
        kl=drop, kl_ci95=(drop - half, drop + half),
    )  # fmt: skip
    rate = 1000.0 * speed
    field.variants[variant.id] = variant
    program = type("P", (), {"size_mb": size})()
    field.owner[variant.id] = Candidate(program, {"name": architecture}, score)
    field.standings[variant.id] = Standing(
        latency=Latency(p50=1 / speed, p95=1 / speed, p99=1 / speed, ci95=(1, 1), n=9),
        throughput=Estimate(value=rate, ci95=(rate, rate)),
        speed=Estimate(value=speed, ci95=(speed, speed)),
        noise=0.01,
    )
    return variant.id


def outcome(*finalists, constraints=(GUARD,), objective="latency"):
    """Architecture that is chosen, and why each other one was not."""
    field = Field()
    base = entered(field, "net", 1.0, 0.0, half=0.0)
    ids = [entered(field, name, *rest) for name, *rest in finalists]
    parsed = [parse_constraint(text) for text in constraints]
    aim = Objective.parse(objective, price_per_hour=None)
    pass_over(field, ids, base, base, parsed, aim)
    open_to = [name for name in field.standings if not field.owner[name].reason]
    field.winner = max(open_to, key=lambda name: field.standings[name].speed.value)
    verdict = decide(field, base, parsed, aim)
    return verdict.chosen.split("/")[0], {r.architecture: r for r in verdict.records}


def test_a_little_faster_at_the_very_edge_loses_to_the_surer_one():
    chosen, records = outcome(("s4", 2.4, 0.0030), ("s5", 2.75, 0.0048))
    assert chosen == "s4"
    assert records["s5"].status == "rejected"
    assert "53 %" in records["s5"].reason
    assert "s4" in records["s5"].reason


def test_at_the_edge_of_a_divergence_it_is_the_same():
    bound = ("divergence <= 0.005 nats",)
    chosen, records = outcome(("s4", 2.4, 0.0030), ("s5", 2.75, 0.0048), constraints=bound)
    assert chosen == "s4"
    assert "53 %" in records["s5"].reason


def test_much_faster_is_worth_the_risk():
    assert outcome(("s4", 2.4, 0.0030), ("s5", 5.0, 0.0048))[0] == "s5"


def test_of_two_as_sure_the_faster_is_taken_and_the_slower_loses_by_its_time():
    chosen, records = outcome(("s4", 2.4, 0.0030), ("s5", 2.75, 0.0030))
    assert chosen == "s5"
    assert records["s4"].status == "ok"
    assert "time of the chosen" in records["s4"].reason


def test_a_wide_interval_makes_all_alike():
    assert outcome(("s4", 2.4, 0.0030, 0.05), ("s5", 2.75, 0.0048, 0.05))[0] == "s5"


def test_what_misses_another_constraint_is_no_alternative():
    bounds = (GUARD, "latency_p50 <= 0.4 ms")
    assert outcome(("s4", 2.4, 0.0030), ("s5", 2.75, 0.0048), constraints=bounds)[0] == "s5"


def test_who_was_passed_over_is_not_handed_back_where_the_winner_misses_a_bound():
    """The fastest is too large; of the two others the surer one was preferred."""
    found = (("s3", 3.2, 0.0010, 0.006, 5000, 6.0), ("s4", 2.4, 0.0030), ("s5", 2.75, 0.0048))
    chosen, records = outcome(*found, constraints=(GUARD, "size <= 5 MB"))
    assert chosen == "s4"
    assert "size" in records["s3"].reason
    assert "s4" in records["s5"].reason


def test_an_absolute_bound_is_held_against_the_interval_of_the_score():
    bounds = ("accuracy >= 89 %",)
    assert outcome(("s4", 2.4, -0.02), ("s5", 2.75, 0.0048), constraints=bounds)[0] == "s4"


@pytest.mark.parametrize("given", [("size", GUARD), ("latency", "latency_p50 <= 5 ms")])
def test_where_speed_or_accuracy_is_no_matter_none_is_passed_over(given):
    objective, bound = given
    found = (("s4", 2.4, 0.0030), ("s5", 2.75, 0.0048))
    _, records = outcome(*found, constraints=(bound,), objective=objective)
    assert "on new samples" not in records["s5"].reason
