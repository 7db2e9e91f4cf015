"""The arithmetic of the surrogate's benchmark, and the file of recorded networks."""

import json

import accuracy_surrogate
import numpy as np
import pytest
from _recorded import Recorded, slices

from paretune.core import InputError
from paretune.search import KEEP, Option, Space


def record(**changes):
    """24 anchors and 30 other networks whose losses add up; FLOPs say little."""
    options = []
    for block in range(6):
        for operator in (KEEP, "skip", "narrow"):
            name = f"b{block}:{operator}"
            options.append(Option(id=name, first=block, last=block, operator=operator))
    space, random = Space(blocks=6, options=tuple(options)), np.random.default_rng(0)
    weights = np.where([o.operator == KEEP for o in options], 0, random.uniform(0, 2, 18))
    rows = random.permutation(np.unique(space.sample(random, 200), axis=0))[:54]

    def networks(part):
        loss = part @ weights + 0.05 * random.normal(size=len(part))
        chosen = [[option.id for option in space.chosen(row)] for row in part]
        return {"choices": chosen, "values": loss.tolist()}

    return {
        "task": "made",
        "space": space.model_dump(mode="json"),
        "flops": random.uniform(1, 5, 18).tolist(),
        "anchors": networks(rows[:24]),
        "held_out": networks(rows[24:]),
        "latency_ms": random.uniform(1, 2, 30).tolist(),
    } | changes


def write(folder, content):
    file = folder / "recorded.json"
    file.write_text(json.dumps(content))
    return file


def test_slices_hold_equally_many_of_rising_cost():
    cost = np.array([5.0, 1, 4, 2, 3, 0])
    assert [part.tolist() for part in slices(cost, 3)] == [[5, 1], [3, 4], [2, 0]]


def test_ranks_are_taken_inside_slices():
    cost = np.repeat([0.0, 100.0], 4)
    truth = np.array([1.0, 2, 3, 4, 101, 102, 103, 104])
    assert accuracy_surrogate.within(cost - truth * 1e-3, truth, cost, 2) == pytest.approx(-1)
    assert accuracy_surrogate.within(truth, truth, cost, 2) == pytest.approx(1)


def test_recorded_networks_are_judged(tmp_path):
    figures, details = accuracy_surrogate.recorded(write(tmp_path, record()))
    by_key = {figure.key: figure for figure in figures}
    assert by_key["recorded/surrogate"].value > 0.9
    assert by_key["recorded/surrogate"].value > by_key["recorded/FLOPs"].value
    assert by_key["recorded/error"].value < 0.7
    assert by_key["recorded/sliced"].text.endswith("in 3 slices")
    assert all(figure.held is not None for key, figure in by_key.items() if key.endswith("ead"))
    assert details["held_out"] == 30


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"flops": None}, "flops: "),
        ({"latency_ms": [1.0]}, "one latency for each"),
        ({"held_out": record()["anchors"], "latency_ms": [1.0] * 24}, "among the anchors"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        Recorded.read(write(tmp_path, record(**changes)))
