"""What a request says of itself."""

import pytest

from paretune.core import DEFAULT_CONSTRAINT, UNLABELLED_CONSTRAINT
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
    ("given", "metric", "held"),
    [
        ((), "top1", [DEFAULT_CONSTRAINT]),
        ((), "fidelity", [DEFAULT_CONSTRAINT]),
        ((), "agreement", [UNLABELLED_CONSTRAINT]),
        (("latency <= 5 ms",), "agreement", [UNLABELLED_CONSTRAINT, "latency <= 5 ms"]),
        (("accuracy >= 99 %",), "agreement", ["accuracy >= 99 %"]),
        (("divergence <= 0.1 nats",), "top1", ["divergence <= 0.1 nats"]),
    ],
)
def test_outputs_are_always_bounded(given, metric, held):
    found = Request(model="m", data="d", constraints=given).parsed_constraints(metric)
    assert [constraint.text for constraint in found] == held
