import json

import pytest

from paretune.core import Condition, InputError
from paretune.pipeline.rundir import CHANGED, RunDir


def lines(folder):
    return [json.loads(line) for line in (folder / "j.jsonl").read_text().splitlines()]


def test_a_torn_line_of_an_earlier_kill_is_cut_off(tmp_path):
    with RunDir.claim(tmp_path / "run", "a", resume=False) as rundir:
        rundir.append("j.jsonl", Condition(kind="noise", text="one"))
        with (tmp_path / "run" / "j.jsonl").open("a") as file:
            file.write('{"kind": "noi')
        rundir.append("j.jsonl", Condition(kind="noise", text="two"))
    assert [line["text"] for line in lines(tmp_path / "run")] == ["one", "two"]


def test_a_journal_that_holds_nothing_but_a_torn_line_begins_anew(tmp_path):
    with RunDir.claim(tmp_path / "run", "a", resume=False) as rundir:
        (tmp_path / "run" / "j.jsonl").write_text('{"ki')
        rundir.append_json("j.jsonl", {"text": "whole"})
    assert lines(tmp_path / "run") == [{"text": "whole"}]


def test_one_process_at_a_time_works_in_a_folder(tmp_path):
    with (
        RunDir.claim(tmp_path / "run", "a", resume=False),
        pytest.raises(InputError, match="another process is working in"),
    ):
        RunDir.claim(tmp_path / "run", "a", resume=True)
    RunDir.claim(tmp_path / "run", "a", resume=True).close()


@pytest.mark.parametrize(
    ("digest", "resume", "said"),
    [
        ("a", False, "holds another run: give --resume"),
        ("b", True, "was asked for something else: repeat its own request"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, digest, resume, said):
    RunDir.claim(tmp_path / "run", "a", resume=False).close()
    with pytest.raises(InputError, match=said):
        RunDir.claim(tmp_path / "run", digest, resume=resume)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("model", "other weights of the model"),
        ("data", "other data"),
        ("machine", "another machine, or other versions of packages"),
    ],
)
def test_a_run_does_not_go_on_with_something_else(tmp_path, changed, said):
    facts = dict.fromkeys(CHANGED, "a")
    for _ in range(2):
        with RunDir.claim(tmp_path / "run", "a", resume=True) as rundir:
            rundir.confirm(facts)
    with (
        pytest.raises(InputError, match=f"was begun with {said}: give another --out"),
        RunDir.claim(tmp_path / "run", "a", resume=True) as rundir,
        rundir.cleared_when_refused(),
    ):
        rundir.confirm(facts | {changed: "b"})
    assert (tmp_path / "run" / "run.json").exists()


def test_a_folder_that_is_not_a_runs_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty: give another --out"):
        RunDir.claim(tmp_path, "a", resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_resuming_what_was_never_begun_begins_it(tmp_path):
    RunDir.claim(tmp_path / "new", "a", resume=True).close()
    assert (tmp_path / "new" / "run.json").exists()


def test_a_run_killed_before_it_said_whose_the_folder_is_can_go_on(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".lock").touch()
    RunDir.claim(folder, "a", resume=True).close()
    assert (folder / "run.json").exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_way_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"is a file|cannot be written"):
        RunDir.claim(tmp_path / name, "a", resume=False)
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_owner_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"is not a run's file"):
        RunDir.claim(tmp_path, "a", resume=True)


def fail_after_finding(rundir):
    rundir.append_json("j.jsonl", {})
    raise InputError("bad")


def test_a_refused_request_leaves_no_folder_but_one_with_findings_stays(tmp_path):
    with (
        pytest.raises(InputError, match="bad"),
        RunDir.claim(tmp_path / "none", "a", resume=False) as rundir,
        rundir.cleared_when_refused(),
    ):
        raise InputError("bad")
    assert not (tmp_path / "none").exists()
    with (
        pytest.raises(InputError, match="bad"),
        RunDir.claim(tmp_path / "some", "a", resume=False) as rundir,
        rundir.cleared_when_refused(),
    ):
        fail_after_finding(rundir)
    assert (tmp_path / "some" / "j.jsonl").exists()
