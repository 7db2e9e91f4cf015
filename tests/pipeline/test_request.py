"""What a request says of itself."""

import pytest

from paretune.core import DEFAULT_CONSTRAINT, UNLABELLED_CONSTRAINTS
from paretune.pipeline.request import Request
from tests.report.sample import target


def test_a_search_times_with_the_most_threads_and_the_batch_that_are_asked_for():
    machine = target()
    assert Request(model="m", data="d").most_threads(machine) == machine.usable_cores == 2
    assert Request(model="m", data="d", threads=(1,)).most_threads(machine) == 1
    assert Request(model="m", data="d", threads=(1, 2)).most_threads(machine) == 2
    settings = Request(model="m", data="d", threads=(1,), batch=8).search_settings(machine)
    assert (settings.threads, settings.batch) == (1, 8)


@pytest.mark.parametrize(
    ("given", "agreement", "held"),
    [
        ((), False, [DEFAULT_CONSTRAINT]),
        ((), True, [*UNLABELLED_CONSTRAINTS]),
        (("latency <= 5 ms",), True, [*UNLABELLED_CONSTRAINTS, "latency <= 5 ms"]),
        (("accuracy >= 99 %",), True, ["accuracy >= 99 %"]),
        (("divergence <= 0.1 nats",), False, ["divergence <= 0.1 nats"]),
    ],
)
def test_outputs_are_always_bounded(given, agreement, held):
    asked = Request(model="m", data="d", constraints=given)
    found = asked.parsed_constraints(agreement=agreement)
    assert [constraint.text for constraint in found] == held
