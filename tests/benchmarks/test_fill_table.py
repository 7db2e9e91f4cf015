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
    assert fill_table.rewritten(page, fill_table.tables(ROOT / "benchmarks" / "results")) == page


def test_each_figure_names_a_script_that_is_there():
    assert len(BY_KEY) == len(GATES)
    for gate in GATES:
        assert (ROOT / "benchmarks" / gate.script.split()[0]).is_file()


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


def test_seeds_of_one_command_are_put_together():
    texts = {3.0: "3.0x (2.9 to 3.1)", 1.0: "1.0x (0.9 to 1.1)", 2.0: "2.0x (1.9 to 2.1)"}
    records = [
        record(figure("search_speed/c10", text) | {"value": value}, command=f"c --seed {seed}")
        for seed, (value, text) in enumerate(texts.items())
    ]
    found = row(fill_table.table(records), BY_KEY["search_speed/c10"].title)
    assert "| 2.0x, median of 3 seeds (1.0x to 3.0x) |" in found
    assert "`c --seed 0 (to 2)`" in found
    for one, held in zip(records[:2], (True, False), strict=True):
        one["figures"][0]["held"] = held
    two = row(fill_table.table(records[:2]), BY_KEY["search_speed/c10"].title)
    assert "| 1.0x and 3.0x, 2 seeds | **no** |" in two
    (alone,) = fill_table.over_seeds(records[:1])
    assert alone == records[0]


def test_trials_are_left_out(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(record(trial=True)))
    (tmp_path / "b.json").write_text(json.dumps(record(command="b")))
    assert [found["command"] for found in fill_table.read(tmp_path)] == ["b"]


def test_another_machine_has_a_table_of_its_own_with_what_was_measured_there(tmp_path):
    (tmp_path / "older").mkdir()
    (tmp_path / "a.json").write_text(json.dumps(record(figure("app", "1.1x"))))
    (tmp_path / "older" / "a.json").write_text(json.dumps(record(figure("app", "1.3x"))))
    first, _, second = fill_table.tables(tmp_path).partition("\n### older\n")
    title = BY_KEY["app"].title
    assert "1.1x" in row(first, title)
    assert "1.3x" in row(second, title)
    assert fill_table.EMPTY in first
    assert fill_table.EMPTY not in second


def test_a_page_without_markers_is_left_alone():
    with pytest.raises(ValueError, match="needs one"):
        fill_table.rewritten("# Benchmarks", "| figures |")
