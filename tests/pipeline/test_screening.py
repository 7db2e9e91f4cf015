"""The first pass: what a variant is timed against, and what its speed is then."""

from types import SimpleNamespace

import pytest

from paretune.core import Estimate, Latency, WorkerError
from paretune.measure import Standing, survivors
from paretune.pipeline import screening
from paretune.pipeline.screening import Screening
from paretune.store import Store
from tests.pipeline.conftest import Told

#: What two threads give a program over one, and how many times as long two take when disturbed.
TWO, DISTURBED = 1.6, 1.5


class Machine:
    """A context whose programs take known times, on two threads longer while it is disturbed."""

    def __init__(self, store):
        self.store, self.progress, self.threads = store, Told(), 2
        self.request = SimpleNamespace(objective="latency", threads=(1, 2), batch=1)
        self.shares = SimpleNamespace(screened=1.0)
        self.target = SimpleNamespace(usable_cores=2, digest="machine")
        self.search = SimpleNamespace(digest="data")
        self.reused = self.taken = 0
        self.disturbed = self.spent = False
        self.open_now = 0

    def left(self, _share):
        return 0.0 if self.spent else 100.0

    def variant(self, program, threads, *, streams=1, batch=1):
        name = f"{program.name}/t{threads}"
        return SimpleNamespace(id=name, threads=threads, streams=streams, batch=batch)

    def open(self, program, variant):
        self.open_now += 1
        return Session(self, program, variant.threads)

    def seconds(self, session):
        two = (DISTURBED if self.disturbed else 1) / TWO
        return session.program.seconds * (two if session.threads == 2 else 1)


class Session:
    """An open program."""

    def __init__(self, machine, program, threads):
        self.machine, self.program, self.threads = machine, program, threads

    def close(self):
        self.machine.open_now -= 1

    def call(self, method):
        assert method == "batch"
        if getattr(self, "dead", False):
            raise WorkerError("the worker process has been closed")
        return 1


def timed(reference, opener, *, seconds, probe=None):
    """As `screen`, without noise."""
    subject = opener()
    machine = subject.machine
    speed = machine.seconds(reference) / machine.seconds(subject)
    rate = 1 / machine.seconds(subject)
    subject.close()
    return Standing(
        latency=Latency(p50=1.0, p95=1.0, p99=1.0, ci95=(1.0, 1.0), n=9),
        throughput=Estimate(value=rate, ci95=(0.99 * rate, 1.01 * rate)),
        speed=Estimate(value=speed, ci95=(0.99 * speed, 1.01 * speed)),
        noise=0.0,
    )


def candidate(name, seconds, *, runtime="openvino", precision="f32", must=False):
    program = SimpleNamespace(
        name=name, seconds=seconds, runtime=runtime, precision=precision, max_batch=None
    )
    return SimpleNamespace(program=program, key=name, reason="", must=must)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(screening, "screen", timed)
    with Store.open(f"sqlite:///{tmp_path}/store.sqlite") as store:
        yield Machine(store)


def screened(machine, disturbed):
    """Speeds and survivors of a race in which the last program is timed on a disturbed machine."""
    with Screening(machine, 3) as race:
        race.enter(candidate("eager", 3.0, runtime="torch-eager"))
        race.enter(candidate("compiled", 1.0))
        machine.disturbed = disturbed
        race.enter(candidate("found", 0.2, precision="int8"))
        field = race.finish()
    assert machine.open_now == 0
    speeds = {name: standing.speed.value for name, standing in field.standings.items()}
    return speeds, survivors(field.standings)


@pytest.mark.parametrize("disturbed", [False, True])
def test_two_disturbed_threads_cost_nobody_the_race(machine, disturbed):
    speeds, alive = screened(machine, disturbed)
    assert speeds == pytest.approx(
        {
            "eager/t2": TWO / 3,
            "eager/t1": 1 / 3,
            "compiled/t2": TWO,
            "compiled/t1": 1,
            "found/t2": TWO / 0.2,
            "found/t1": 1 / 0.2,
        }
    )
    assert alive[0] == "found/t2"


def test_what_the_store_holds_is_not_timed_again(machine, monkeypatch):
    before, _ = screened(machine, disturbed=False)
    monkeypatch.setattr(screening, "screen", None)
    assert screened(machine, disturbed=False)[0] == before
    assert machine.reused == len(before)


def test_where_the_budget_is_spent_what_must_be_timed_is(machine):
    machine.spent = True
    with Screening(machine, 3) as race:
        race.enter(candidate("eager", 3.0, runtime="torch-eager", must=True))
        race.enter(candidate("compiled", 1.0))
        race.enter(candidate("found", 0.2, precision="int8", must=True))
        field = race.finish()
    assert set(field.standings) == {"eager/t2", "eager/t1", "found/t2", "found/t1"}
    assert field.failed == {"compiled/t2": "the budget ended before it was measured"}


def test_a_variant_whose_process_dies_is_timed_once(machine, monkeypatch):
    tried = []

    def screen(reference, opener, *, seconds, probe=None):
        tried.append(opener)
        raise WorkerError("it took longer than 1200 s and was stopped", died=True)

    monkeypatch.setattr(screening, "screen", screen)
    with Screening(machine, 1) as race:
        race.enter(candidate("found", 0.2, must=True))
        field = race.finish()
    assert len(tried) == len(field.failed)


def test_a_reference_that_died_is_opened_again_and_costs_nobody_the_race(machine, monkeypatch):
    deaths = iter([False, False, True])  # while a variant of the last program is timed

    def screen(reference, opener, *, seconds, probe=None):
        if next(deaths, False):
            reference.dead = True
        if getattr(reference, "dead", False):
            raise WorkerError("the worker process was killed", died=True)
        return timed(reference, opener, seconds=seconds)

    monkeypatch.setattr(screening, "screen", screen)
    with Screening(machine, 2) as race:
        race.enter(candidate("compiled", 1.0))
        race.enter(candidate("found", 0.2))
        field = race.finish()
    assert field.failed == {}
    assert set(field.standings) == {"compiled/t2", "compiled/t1", "found/t2", "found/t1"}
    assert machine.open_now == 0
