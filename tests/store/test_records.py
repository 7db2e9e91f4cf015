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
    assert found.inputs == result.inputs


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


def test_records_are_named_after_their_files_and_folders(tmp_path: Path) -> None:
    text = record(timed("x", 2.0)).model_dump_json(by_alias=True)
    run = sample().model_dump_json(by_alias=True)
    files = [tmp_path / n for n in ("a/rec.json", "b/rec.json", "c/a/rec.json", "other.json")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    runs = [tmp_path / "runs" / n for n in ("v1.5", "v1.6")]
    for folder in runs:
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(run)
    names = list(records.read_all([*files, *runs]))
    assert names == ["a/rec", "b/rec", str(files[2]), "other", "v1.5", "v1.6"]
    with pytest.raises(InputError, match=r"a/rec\.json is given twice"):
        records.read_all([files[0], tmp_path / "b" / ".." / "a" / "rec.json"])
