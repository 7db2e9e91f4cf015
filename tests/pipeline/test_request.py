"""What a request says of itself."""

from paretune.pipeline.request import Request
from tests.report.sample import target


def test_a_search_times_with_the_most_threads_and_the_batch_that_are_asked_for():
    machine = target()
    assert Request(model="m", data="d").most_threads(machine) == machine.usable_cores == 2
    assert Request(model="m", data="d", threads=(1,)).most_threads(machine) == 1
    assert Request(model="m", data="d", threads=(1, 2)).most_threads(machine) == 2
    settings = Request(model="m", data="d", threads=(1,), batch=8).search_settings(machine)
    assert (settings.threads, settings.batch) == (1, 8)
