import json

import pytest
from _common import Figure, Outcome, finish, options, ratio

from paretune.core import Estimate, UnsupportedError


@pytest.mark.parametrize(
    ("key", "value", "held"),
    [
        ("aa_covered", 36 / 40, True),
        ("aa_covered", 35 / 40, False),
        ("aa_error", 0.011, False),
        ("app", 0.969, False),
        ("app", 1.03, True),
        ("efficientnet-b2/openvino", 2.1, False),
        ("burst", 1.0, None),
        ("unheard of", 1.0, None),
    ],
)
def test_a_gate_judges_its_figure(key, value, held):
    assert Figure(key, value, "").held is held


def missed():
    return [ratio("chosen_vs_f32", Estimate(value=1.5, ci95=(1.4, 1.6)))], {"runs": 3}


def broken():
    raise UnsupportedError("no such runtime")


def test_a_part_that_fails_leaves_the_others(tmp_path, capsys):
    found = Outcome()
    found.part("broken", broken)
    found.part("missed", missed)
    args = options("Doc.").parse_args(["--json", str(tmp_path / "new" / "x.json")])
    assert finish("x.py", args, found) == 1
    written = json.loads((tmp_path / "new" / "x.json").read_text())
    assert written["failed"] == {"broken": "no such runtime"}
    assert written["details"]["missed"]["runs"] == 3
    (figure,) = written["figures"]
    assert figure["held"] is False
    assert figure["ci95"] == [1.4, 1.6]
    assert "1.500x (1.400 to 1.600)" in capsys.readouterr().out


def test_a_trial_says_so_and_misses_no_gate(tmp_path):
    found = Outcome()
    found.part("missed", missed)
    args = options("Doc.").parse_args(["--quick", "--json", str(tmp_path / "x.json")])
    assert finish("x.py", args, found) == 0
    assert json.loads((tmp_path / "x.json").read_text())["trial"] is True
