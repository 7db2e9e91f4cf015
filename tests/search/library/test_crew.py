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


def test_bad_input_ends_everything(tmp_path):
    with crew(tmp_path, size=1) as hands, pytest.raises(InputError, match="disk is full"):
        list(hands.run([ask("stop"), ask("die", "late", 0)]))
    assert not list(tmp_path.glob("late-*"))
