"""Records on disk, from this machine and others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretune.core import InputError
from paretune.store import records
from tests.report.hardware.test_machines import record, timed
from tests.report.sample import sample


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    made = record(timed("x", 2.0), timed("y", 1 / 3))
    (tmp_path / "a.json").write_text(made.model_dump_json(by_alias=True))
    assert records.read(tmp_path / "a.json") == made


def test_a_run_is_read_as_the_record_of_its_variants(tmp_path: Path) -> None:
    result = sample()
    (tmp_path / "result.json").write_text(result.model_dump_json(by_alias=True))
    found = records.read(tmp_path)
    assert found.variants == result.variants
    assert found.target == result.target
    assert [ratio.id for ratio in found.ratios] == [result.chosen]
    assert (found.data, found.metric) == (result.dataset.name, result.dataset.metric)


def test_what_is_no_record_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = json.loads(record(timed("x", 2.0)).model_dump_json(by_alias=True))
    cases = {
        "cannot be read": None,
        "is not JSON": "{",
        "is no record": '{"a": 1}',
        "of schema 7": json.dumps(whole | {"schema": 7}),
        r"damaged at variants\.0": json.dumps(whole | {"variants": [{"id": "x"}]}),
        "is no record of": "[]",
    }
    for said, text in cases.items():
        file = tmp_path / "r.json"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        with pytest.raises(InputError, match=said) as refused:
            records.read(file)
        assert "\n" not in str(refused.value)
