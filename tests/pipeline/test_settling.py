"""A bound that held in the race and not in the comparison costs the first choice its place."""

import pytest

from paretune.core import Objective, parse_constraint
from paretune.pipeline.settling import settle
from paretune.pipeline.verdict import as_compared, decide
from tests.pipeline.test_claims import CAME, FOUND, TWO, race

BOUND = "latency <= 1.5 ms"
LATENCY = Objective.parse("latency")
#: Whoever is chosen by its race.
RACED = {CAME: 8.0, TWO: 1.4, FOUND: 1.0}


def settled(now, left=100.0):
    told = []
    field, context = race(RACED, now, lambda *words: told.append(words))
    context.left = lambda share: left
    field.winner = FOUND
    constraints = [parse_constraint(BOUND)]
    verdict = decide(field, CAME, constraints, LATENCY)
    assert verdict.chosen == FOUND
    verdict, claims = settle(
        context,
        field,
        verdict,
        baseline=CAME,
        best=TWO,
        constraints=constraints,
        objective=LATENCY,
        look=lambda: None,
    )
    return verdict, claims, [text for kind, text in told if "instead" in text]


def test_what_still_holds_stays():
    verdict, claims, told = settled(RACED)
    assert verdict.chosen == FOUND
    assert claims.ratios.latency_vs_best_compiled_baseline.value == pytest.approx(1.4)
    assert told == []


def test_another_that_holds_every_bound_takes_its_place():
    verdict, claims, told = settled(RACED | {FOUND: 2.0})
    assert verdict.chosen == TWO
    (lost,) = (record for record in verdict.records if record.id == FOUND)
    assert lost.status == "rejected"
    assert f"{BOUND} is not met: 2" in lost.reason
    assert claims.ratios.latency_vs_baseline.value == pytest.approx(8 / 1.4)
    assert told == [f"{FOUND} broke {BOUND} in the last comparison: {TWO} is handed back instead"]


def test_where_all_break_it_the_first_choice_stays():
    verdict, claims, told = settled(RACED | {FOUND: 2.0, TWO: 2.5})
    assert verdict.chosen == FOUND
    assert claims.records[FOUND].latency_ms.p50 == pytest.approx(2.0)
    assert told == []


def test_where_there_is_no_time_left_it_stays():
    assert settled(RACED | {FOUND: 2.0}, left=0.0)[0].chosen == FOUND


@pytest.mark.parametrize(
    ("found", "two", "chosen", "other"),
    [
        (1.4, 1.6, "", f"{BOUND} is not met: 1.6"),
        (1.6, 1.4, f"{BOUND} is not met: 1.6", f"{BOUND} is not met: 2, when it raced"),
    ],
)
def test_a_broken_bound_is_told_by_the_figures_that_are_shown(found, two, chosen, other):
    """Whatever the race's figures were."""
    field, _ = race({CAME: 8.0, TWO: 2.0, FOUND: 1.6}, {}, lambda *_: None)
    field.winner = FOUND
    constraints = [parse_constraint(BOUND)]
    records = {r.id: r for r in decide(field, CAME, constraints, LATENCY).records}
    assert records[TWO].reason == f"{BOUND} is not met: 2"

    def told(name, now):
        record = records[name]
        latency = record.latency_ms.model_copy(update={"p50": now})
        record = record.model_copy(update={"latency_ms": latency})
        return as_compared(record, FOUND, constraints, records[CAME], LATENCY).reason

    assert told(FOUND, found) == chosen
    assert told(TWO, two) == other
