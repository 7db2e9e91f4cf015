"""What a report is set against: files told apart, kept with the run, shown as sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretune.core import InputError, Noun
from paretune.report import write, write_charts
from paretune.report.hardware import against
from paretune.report.hardware.sections import RUN, sections
from tests.report.hardware.test_gap import CPU, gpu
from tests.report.hardware.test_machines import record, timed
from tests.report.hardware.test_models import made
from tests.report.hardware.test_roofline import whole
from tests.report.sample import NET, sample

GPU = gpu(timed(NET, 1.0, runtime="torch-graph", precision="f16", device="cuda"))


def written(folder: Path, **nouns: Noun) -> list[Path]:
    """Each as the commands write it."""
    files = []
    for name, noun in nouns.items():
        files.append(folder / f"{name}.json")
        files[-1].write_text(noun.model_dump_json(by_alias=True))
    return files


def test_files_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    found = against.read(written(tmp_path, gpu=GPU, roof=whole(), front=made(), run=sample()))
    assert list(found.records) == ["gpu", "run"]
    assert found.rooflines == (whole(),)
    assert found.frontiers == (made(),)


@pytest.mark.parametrize("noun", [whole(), made()])
def test_a_damaged_file_is_told(noun: Noun, tmp_path: Path) -> None:
    (file,) = written(tmp_path, it=noun)
    file.write_text(file.read_text().replace('"physical_cores":2', '"physical_cores":"two"'))
    with pytest.raises(InputError, match=r"it\.json is damaged at target\.physical_cores: "):
        against.read([file])


def test_what_is_kept_in_a_run_is_found_there(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()
    files = written(tmp_path, gpu=GPU) + written(elsewhere, gpu=CPU)
    against.keep(files, run)
    against.keep([run / "records" / "gpu.json"], run)  # what is there already stays
    for file in files:
        file.unlink()
    found = against.kept(run)
    assert found.records == {"gpu": GPU, "elsewhere-gpu": CPU}
    assert against.kept(elsewhere) == against.Against()


def test_a_run_and_a_file_without_a_suffix_are_kept_too(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "result.json").write_text(sample().model_dump_json(by_alias=True))
    (tmp_path / "h100").write_text(GPU.model_dump_json(by_alias=True))
    against.keep([tmp_path / "first", tmp_path / "h100"], tmp_path / "run")
    assert set(against.kept(tmp_path / "run").records) == {"first", "h100"}


def test_three_of_one_name_are_too_many(tmp_path: Path) -> None:
    (one,) = written(tmp_path, gpu=GPU)
    with pytest.raises(InputError, match="has the same name as"):
        against.keep([one, one, one], tmp_path / "run")


def test_the_report_has_a_section_for_every_kind(tmp_path: Path) -> None:
    against.keep(written(tmp_path, gpu=GPU, roof=whole(), front=made()), tmp_path)
    result = sample()
    page = write(result, tmp_path).read_text()
    places = [
        page.index(f"<h2>{title}</h2>")
        for title in (
            "How far from a GPU",
            "How near this machine&#39;s limits",
            "Known networks on this machine",
            "How this was measured",
        )
    ]
    assert places == sorted(places)
    gap = sections(result, against.kept(tmp_path))[0]
    # The sample's fastest int8 takes 2.6 ms, and its model as it came 20.1.
    assert "is slower than G1 by as it came 20.10x" in gap.lines[0]
    assert "quantised 2.60x" in gap.lines[0]
    assert gap.lines[0] in page.replace("&#39;", "'")
    assert page.count("<svg") == write_without(tmp_path) + 2 * 3
    names = {file.name for file in write_charts(result, tmp_path)}
    assert {"gap.png", "roofline.svg", "models.html", "stages.png"} <= names


def write_without(folder: Path) -> int:
    """Charts of the same report with nothing to set it against."""
    return write(sample(), folder / "alone").read_text().count("<svg")


def test_a_gap_that_cannot_be_drawn_says_why() -> None:
    other = against.Against(records={"cpu": record(timed(NET, 3.0))})
    (section,) = sections(sample(), other)
    assert section.lines[0].startswith("Not drawn: none of the records is of a GPU")
    assert section.chart(800) is None


def test_the_runs_own_bars_name_it() -> None:
    from paretune.report.hardware.gap import gaps
    from paretune.store.records import of_run

    bars = gaps({RUN: of_run(sample()), "gpu": GPU}, model=NET).models[0].bars["one call at a time"]
    assert {bar.record for bar in bars} == {RUN, "gpu"}
