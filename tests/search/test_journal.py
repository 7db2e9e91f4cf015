"""A decision is taken once, and survives the process that took it."""

import pytest

from paretune.core import InputError
from paretune.search.journal import FILE, Journal


def test_what_was_decided_is_read_back_by_another_process(tmp_path):
    first = Journal(tmp_path / "search")
    assert first.once("seconds", lambda: 1.25) == 1.25
    assert first.once("seconds", lambda: pytest.fail("asked twice")) == 1.25
    second = Journal(tmp_path / "search")
    assert second.once("seconds", lambda: pytest.fail("asked twice")) == 1.25
    assert second.once("picks", lambda: [{"ids": ["b0:keep"]}]) == [{"ids": ["b0:keep"]}]


def test_what_fails_is_not_decided(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(ZeroDivisionError):
        journal.once("seconds", lambda: 1 / 0)
    assert journal.once("seconds", lambda: 2) == 2


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_a_foreign_file_is_refused(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match="remove its folder"):
        Journal(tmp_path)
