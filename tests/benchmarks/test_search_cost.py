"""The arithmetic of what searches cost, and our search as a strategy."""

import json

import numpy as np
import pytest
import search_cost
from _ours import Ours

from paretune.core import InputError
from paretune.search import KEEP, Option, Space
from paretune.search.comparators import Evaluation, run


def test_a_cost_is_what_was_spent_when_the_level_was_reached():
    points = np.array([[4.0, 4.0], [2.0, 2.0], [1.0, 1.0]])
    found = search_cost.curve(points, [10.0, 30.0, 60.0], (5.0, 5.0), whole=16.0)
    assert found.area.tolist() == [1 / 16, 9 / 16, 1.0]
    assert found.cost(0.5, budget=99.0) == (30.0, 2, True)
    assert found.cost(2.0, budget=99.0) == (99.0, 3, False)


def test_a_ratio_says_when_it_is_only_a_lower_bound():
    one = [(100.0, 5, False), (100.0, 5, True)]
    other = [(20.0, 1, True), (20.0, 1, True)]
    figure = search_cost._ratio("x", one, other)
    assert figure.value == pytest.approx(5.0)
    assert figure.ci95 == pytest.approx((5.0, 5.0))
    assert "at least: 1 of 2" in figure.text


def entry(accuracy, latency, flops):
    return {"accuracy": accuracy, "latency_ms": latency, "flops": flops}


def test_recorded_evaluations_give_search_only_and_total(tmp_path):
    record = {
        "full_training_flops": 10.0,
        "corner": [20.0, 2.0],
        "library_flops": {"ours": 30.0, "random": 0.0},
        "finish_flops": {"ours": 20.0, "random": 20.0},
        "searches": {
            "ours": [[entry(0.9, 1.0, 5.0)]],
            "random": [[entry(0.85, 1.5, 5.0), entry(0.9, 1.0, 15.0)]],
        },
    }
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record))
    figures, _ = search_cost.recorded(file)
    values = {figure.key.removeprefix("search_cost/recorded/"): figure.value for figure in figures}
    assert values == {
        "search_only/ours": 0.5,
        "total/ours": 5.5,
        "search_only/random": 2.0,
        "total/random": 4.0,
    }
    file.write_text(json.dumps(record | {"corner": None}))
    with pytest.raises(InputError, match="not a record"):
        search_cost.recorded(file)


class Exact:
    """A surrogate that knows the truth, and hopes for nothing."""

    def __init__(self, loss):
        self.loss = loss

    def predict(self, choices):
        return choices @ self.loss, choices @ self.loss

    def linear(self):
        return self.loss


def test_a_round_takes_what_adds_most_to_the_front():
    pytest.importorskip("pymoo")
    options = [
        Option(id=f"{block}:{kind}", first=block, last=block, operator=kind)
        for block in range(5)
        for kind in (KEEP, "half", "skip")
    ]
    space = Space(blocks=5, options=tuple(options))
    random = np.random.default_rng(0)
    loss = np.where(np.arange(15) % 3 == 0, 0.0, random.uniform(0.5, 3.0, 15))
    latency = np.where(np.arange(15) % 3 == 0, 1.0, random.uniform(0.1, 0.9, 15))

    class Oracle:
        def evaluate(self, choice):
            return Evaluation(1 - float(choice @ loss) / 100, float(choice @ latency), 1.0)

    anchors = space.sample(random, 4)
    ours = Ours(
        space,
        latency=latency,
        anchors=anchors,
        fit=lambda choices, errors: Exact(loss),
        corner=(20.0, 5.0),
        random=random,
        batch=4,
        evaluations=150,
    )
    trials = run(ours, Oracle(), budget=30)
    assert [trial.choice.tolist() for trial in trials[:4]] == anchors.tolist()
    points = np.array(
        [(100 - 100 * t.evaluation.accuracy, t.evaluation.latency_ms) for t in trials]
    )
    drawn = space.sample(np.random.default_rng(1), 30)
    chance = np.column_stack([drawn @ loss, drawn @ latency])

    def area(rows):
        return search_cost.hypervolume(rows, (20.0, 5.0))

    assert area(points) > 1.05 * area(chance)
