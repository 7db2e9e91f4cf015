"""What a run spent, stage by stage, and what it had spent before it was killed."""

import pytest

from paretune.core import InputError, Silent
from paretune.pipeline import clock as module
from paretune.pipeline.clock import Clock


@pytest.fixture
def now(monkeypatch):
    at = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: at[0])
    return at


def test_a_killed_run_s_time_counts_as_far_as_it_was_noticed(tmp_path, now):
    file = tmp_path / "spent.json"
    first = Clock(Silent())
    now[0] += 2  # brought in before anything can be kept
    first.keep(file)
    first.stage("race")
    now[0] += 30
    first.progress.step("variant 7")
    now[0] += 5  # nobody noticed these: killed

    second = Clock(Silent())
    second.keep(file)
    second.stage("race")
    now[0] += 1
    second.stage("compare")
    now[0] += 4
    spent = second.ledger()
    assert spent.stages_s == {"race": 31.0, "compare": 4.0}
    assert spent.wall_s == 2 + 30 + 5
    third = Clock(Silent())
    third.keep(file)
    assert third.ledger().stages_s == spent.stages_s


def test_a_run_that_is_kept_nowhere_is_counted_too(now):
    clock = Clock(Silent())
    clock.stage("race")
    now[0] += 30
    clock.progress.note("slow")
    assert clock.ledger().wall_s == 30


def test_what_is_no_ledger_is_refused(tmp_path):
    (tmp_path / "spent.json").write_text("[]")
    with pytest.raises(InputError, match=r"spent\.json is not what a run has spent: remove it"):
        Clock(Silent()).keep(tmp_path / "spent.json")
