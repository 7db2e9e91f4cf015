"""Actors are real processes: they are killed, crash, hang and raise here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretune.core import InputError, WorkerError
from paretune.engine import LocalEngine


class Counter:
    def __init__(self, start: int) -> None:
        if start < 0:
            raise InputError("start is negative: give 0 or more")
        self.value = start

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    def pid(self) -> int:
        return os.getpid()

    def fail(self) -> None:
        raise ZeroDivisionError("by design\nsecond line")

    def refuse(self) -> None:
        raise InputError("no: say yes")

    def kill(self, number: int) -> None:
        os.kill(os.getpid(), number)

    def leave(self) -> None:
        print("last words", flush=True)
        os._exit(3)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


FACTORY = f"{__name__}:Counter"


def test_state_lives_in_another_process():
    with LocalEngine().actor(FACTORY, 1) as actor:
        assert actor.call("add", 2) == 3
        assert actor.call("add", amount=4) == 7
        assert actor.call("pid") != os.getpid()


def test_our_errors_keep_their_kind_and_the_actor_lives_on():
    with LocalEngine().actor(FACTORY, 1) as actor:
        with pytest.raises(InputError, match="say yes"):
            actor.call("refuse")
        with pytest.raises(WorkerError, match=r"ZeroDivisionError: by design$"):
            actor.call("fail")
        assert actor.call("add", 1) == 2


def test_an_error_in_the_factory_is_raised_and_leaves_no_process():
    with pytest.raises(InputError, match="negative"):
        LocalEngine().actor(FACTORY, -1)


def test_death_is_explained():
    with LocalEngine().actor(FACTORY, 1) as actor, pytest.raises(WorkerError, match="out of mem"):
        actor.call("kill", signal.SIGKILL)
    with LocalEngine().actor(FACTORY, 1) as actor, pytest.raises(WorkerError, match="SIGSEGV"):
        actor.call("kill", signal.SIGSEGV)
    with LocalEngine().actor(FACTORY, 1) as actor, pytest.raises(WorkerError, match="last words"):
        actor.call("leave")


def test_a_call_that_takes_too_long_is_stopped():
    with LocalEngine().actor(FACTORY, 1) as actor:
        with pytest.raises(WorkerError, match="longer than"):
            actor.call("sleep", 60, timeout=0.2)
        with pytest.raises(WorkerError, match="closed"):
            actor.call("pid")


def test_a_killed_parent_leaves_no_child_even_while_it_works():
    script = (
        "from paretune.engine import LocalEngine\n"
        f"a = LocalEngine().actor('{FACTORY}', 1)\n"
        "print(a.pid, flush=True)\n"
        "a.call('sleep', 60)\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.1)
    raise AssertionError("the child outlived its parent")


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path, monkeypatch):
    for name in ("pydantic", "numpy", "traceback"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('foreign code ran')")
    monkeypatch.chdir(tmp_path)
    with LocalEngine().actor(FACTORY, 1) as actor:
        assert actor.call("add", 2) == 3


def test_from_a_prompt_the_users_own_module_is_found(tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Box:\n    def __init__(self, of=None):\n        pass\n"
    )
    asked = (
        "import mine, sys\n"
        "from paretune.engine import LocalEngine\n"
        "assert sys.path[0] == ''\n"
        "LocalEngine().actor('mine:Box', mine.Box()).close()\n"
    )
    subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, check=True)
