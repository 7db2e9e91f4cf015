import json
from pathlib import Path

import fill_table
import pytest
from _gates import BY_KEY, GATES

ROOT = Path(__file__).resolve().parents[2]


def record(*figures, command="python benchmarks/x.py", trial=False):
    target = {"cpu": "A CPU", "isa": ["avx2"], "physical_cores": 2, "versions": {"numpy": "2.0"}}
    return {"command": command, "trial": trial, "target": target, "figures": list(figures)}


def figure(key, text, held=None):
    return {"key": key, "value": 1.0, "text": text, "held": held}


def row(page, title):
    return next(line for line in page.splitlines() if line.startswith(f"| {title} |"))


def test_the_page_shows_what_the_results_say_and_nothing_else():
    page = (ROOT / "benchmarks" / "README.md").read_text()
    assert fill_table.rewritten(page, fill_table.read(ROOT / "benchmarks" / "results")) == page


def test_each_figure_names_a_script_that_is_there():
    assert len(BY_KEY) == len(GATES)
    for gate in GATES:
        assert (ROOT / "benchmarks" / gate.script).is_file()


def test_measured_figures_fill_their_rows_and_others_stay_empty():
    page = fill_table.table(
        [record(figure("aa_error", "0.40%", True), figure("app", "1.1x", False))]
    )
    assert "| 0.40% | yes | `python benchmarks/x.py` |" in row(page, BY_KEY["aa_error"].title)
    assert "| 1.1x | **no** |" in row(page, BY_KEY["app"].title)
    assert fill_table.EMPTY in row(page, BY_KEY["drop"].title)
    assert "A CPU (avx2), 2 cores; numpy 2.0" in page


def test_a_plain_run_wins_over_one_with_options():
    plain = record(figure("resnet-50/openvino", "3.5x"))
    timm = record(figure("resnet-50/openvino", "3.6x"), command="python benchmarks/x.py --timm")
    for records in ([plain, timm], [timm, plain]):
        assert "3.5x" in row(fill_table.table(records), BY_KEY["resnet-50/openvino"].title)


def test_trials_are_left_out(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(record(trial=True)))
    (tmp_path / "b.json").write_text(json.dumps(record(command="b")))
    assert [found["command"] for found in fill_table.read(tmp_path)] == ["b"]


def test_a_page_without_markers_is_left_alone():
    with pytest.raises(ValueError, match="needs one"):
        fill_table.rewritten("# Benchmarks", [])
