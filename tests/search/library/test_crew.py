"""Tasks on real processes that die, raise and refuse."""

import os
import signal
from pathlib import Path

import pytest

from paretune.core import InputError, UnsupportedError
from paretune.engine import LocalEngine
from paretune.search.library._crew import Crew


class Host:
    def __init__(self, folder):
        self.folder = Path(folder)

    def square(self, x):
        return x * x, os.getpid()

    def die(self, name, times):
        marks = len(list(self.folder.glob(f"{name}-*")))
        (self.folder / f"{name}-{marks}").touch()
        if marks < times:
            os.kill(os.getpid(), signal.SIGKILL)
        return marks

    def refuse(self):
        raise UnsupportedError("it cannot be done")

    def fail(self):
        raise ZeroDivisionError("by nothing")

    def stop(self):
        raise InputError("the disk is full")


class Frail(Host):
    """Its process dies the first `times` that it is begun, or fails for want of memory."""

    def __init__(self, folder, times, how="die"):
        super().__init__(folder)
        marks = len(list(self.folder.glob("begun-*")))
        (self.folder / f"begun-{marks}").touch()
        if marks < times:
            if how == "refuse":
                raise InputError("the model is gone")
            if how == "want":
                raise MemoryError
            os.kill(os.getpid(), signal.SIGKILL)


def crew(folder, size=2, attempts=2):
    factory = f"{__name__}:Host"
    return Crew(LocalEngine(), factory, (str(folder),), size=size, attempts=attempts)


def ask(method, *args):
    return lambda actor: actor.call(method, *args)


def test_every_task_is_done_by_one_of_them(tmp_path):
    with crew(tmp_path) as hands:
        found = {d.place: d.result for d in hands.run([ask("square", x) for x in range(12)])}
        assert [found[x][0] for x in range(12)] == [x * x for x in range(12)]
        again = list(hands.run([ask("square", 5)]))
        assert again[0].result[1] in {pid for _, pid in found.values()}  # they stay


def test_a_task_whose_process_dies_is_redone_then_given_up(tmp_path):
    with crew(tmp_path) as hands:
        calls = [
            ask("die", "once", 1),
            ask("die", "always", 9),
            ask("refuse"),
            ask("square", 3),
            ask("fail"),
        ]
        found = {d.place: d for d in hands.run(calls)}
    assert (found[0].result, found[0].reason) == (1, "")
    assert "killed" in found[1].reason
    assert len(list(tmp_path.glob("always-*"))) == 2
    assert found[2].reason == "it cannot be done"
    assert "by nothing" in found[4].reason
    assert [found[place].died for place in range(5)] == [False, True, False, False, False]
    assert found[3].result[0] == 9


@pytest.mark.parametrize(("how", "why"), [("die", "killed"), ("want", "out of memory")])
def test_a_process_that_cannot_be_started_costs_an_attempt_of_its_task(tmp_path, how, why):
    frail = f"{__name__}:Frail", (str(tmp_path), 3, how)
    with Crew(LocalEngine(), *frail, size=1, attempts=2) as hands:
        found = list(hands.run([ask("square", x) for x in (2, 3, 4)]))
    assert why in found[0].reason
    assert [done.died for done in found] == [True, False, False]  # the task was not to blame
    assert [done.result[0] for done in found[1:]] == [9, 16]  # the fourth start held
    assert len(list(tmp_path.glob("begun-*"))) == 4


def test_bad_input_of_a_process_that_is_started_ends_everything(tmp_path):
    frail = f"{__name__}:Frail", (str(tmp_path), 1, "refuse")
    with (
        Crew(LocalEngine(), *frail, size=1, attempts=2) as hands,
        pytest.raises(InputError, match="model is gone"),
    ):
        list(hands.run([ask("square", 2)]))


def test_bad_input_ends_everything(tmp_path):
    with crew(tmp_path, size=1) as hands, pytest.raises(InputError, match="disk is full"):
        list(hands.run([ask("stop"), ask("die", "late", 0)]))
    assert not list(tmp_path.glob("late-*"))


def test_a_process_that_starts_while_its_crew_is_closed_is_ended_with_it():
    class Late:
        closed = False

        def close(self):
            self.closed = True

    class Slow:
        def actor(self, factory, *args):
            hands.close()
            return late

    late = Late()
    hands = Crew(Slow(), "a:b", (), size=1, attempts=2)
    (done,) = hands.run([lambda actor: "worked"])
    assert done.result is None
    assert late.closed
