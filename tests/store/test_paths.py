"""Files and folders appear whole or not at all."""

import os
import resource
import signal
import stat
import subprocess
import sys

import pytest

from paretune.core import InputError
from paretune.store import (
    arrays,
    folder_atomic,
    home,
    programs,
    write_bytes_atomic,
    write_text_atomic,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_home_is_made_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PARETUNE_HOME", str(tmp_path / "a b" / "home"))
    assert home() == tmp_path / "a b" / "home"
    assert (programs().name, arrays().name) == ("programs", "arrays")
    assert names(home()) == ["arrays", "programs"]


def test_home_defaults_to_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("PARETUNE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".cache" / "paretune"


def test_a_file_is_written_and_replaced_whole(tmp_path):
    path = tmp_path / "result.json"
    write_text_atomic(path, "ä")
    write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["result.json"]


def test_what_is_written_has_the_users_ordinary_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        write_text_atomic(tmp_path / "file", "x")
        with folder_atomic(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o755


def test_no_room_is_told_and_the_old_file_stays(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(InputError, match=r"no room is left on the disk for .*big: free some"):
            write_bytes_atomic(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["big"]


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written .*choose a place"):
        write_text_atomic(tmp_path / "file" / "x", "text")
    with pytest.raises(InputError, match="file"), folder_atomic(tmp_path / "file" / "x" / "y"):
        pass


def test_a_folder_appears_when_it_is_finished(tmp_path):
    path = tmp_path / "above" / "artifact"
    with folder_atomic(path) as draft:
        assert draft.parent == path.parent
        (draft / "model.bin").write_bytes(b"1")
        assert not path.exists()
    assert names(path) == ["model.bin"]
    assert names(path.parent) == ["artifact"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    def fail():
        with folder_atomic(tmp_path / "artifact") as draft:
            (draft / "model.bin").write_bytes(b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_refused_before_any_work(tmp_path):
    path = tmp_path / "artifact"
    path.mkdir()
    with folder_atomic(path) as draft:
        (draft / "first").touch()
    worked = []
    with pytest.raises(InputError, match="exists already: remove it"), folder_atomic(path):
        worked.append(1)
    assert worked == []
    assert names(path) == ["first"]


@pytest.mark.parametrize("exist_ok", [True, False])
def test_another_process_may_have_been_faster(tmp_path, exist_ok):
    path = tmp_path / "program"

    def slow():
        with folder_atomic(path, exist_ok=exist_ok) as draft:
            (draft / "mine").touch()
            with folder_atomic(path) as faster:
                (faster / "theirs").touch()

    if exist_ok:
        slow()
    else:
        with pytest.raises(InputError, match="exists already"):
            slow()
    assert names(path) == ["theirs"]
    assert names(tmp_path) == ["program"]


def test_what_a_killed_process_left_is_swept_and_a_live_ones_is_not(tmp_path):
    path = tmp_path / "program"
    script = (
        "import os, signal, sys, pathlib\n"
        "from paretune.store import folder_atomic\n"
        "with folder_atomic(pathlib.Path(sys.argv[1])) as draft:\n"
        "    (draft / 'half').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert len(names(tmp_path)) == 1
    with folder_atomic(path, exist_ok=True) as mine:
        assert names(tmp_path) == [mine.name]
        with folder_atomic(path, exist_ok=True) as other:
            assert names(tmp_path) == sorted([mine.name, other.name])
    assert names(tmp_path) == ["program"]


def test_a_folder_is_replaced_once_the_new_one_is_whole(tmp_path):
    place = tmp_path / "folder"
    with folder_atomic(place) as draft:
        (draft / "old").write_text("old")
    with folder_atomic(place, replace=True) as draft:
        (draft / "new").write_text("new")
        assert (place / "old").exists()
    assert [entry.name for entry in place.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_what_was_killed_while_it_wrote_a_file_is_swept_by_the_next_writer(tmp_path):
    script = (
        "import os, signal, sys, pathlib\n"
        "from paretune.store import write_text_atomic\n"
        "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_text_atomic(pathlib.Path(sys.argv[1]), 'half')\n"
    )
    file = tmp_path / "spent.json"
    done = subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    write_text_atomic(file, "whole")
    assert names(tmp_path) == ["spent.json"]
