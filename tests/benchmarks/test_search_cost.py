"""The arithmetic of what searches cost, and our search as a strategy."""

import json

import numpy as np
import pytest
from _curves import cost_ratio, curve
from _ours import Ours
from _replayed import recorded

from paretune.core import InputError
from paretune.search import KEEP, Option, Space
from paretune.search.comparators import Evaluation, run
from paretune.search.solve import hypervolume


def test_a_cost_is_what_was_spent_when_the_level_was_reached():
    points = np.array([[4.0, 4.0], [2.0, 2.0], [1.0, 1.0]])
    found = curve(points, [10.0, 30.0, 60.0], (5.0, 5.0), whole=16.0)
    assert found.area.tolist() == [1 / 16, 9 / 16, 1.0]
    assert found.cost(0.5, budget=99.0) == (30.0, 2, True)
    assert found.cost(2.0, budget=99.0) == (99.0, 3, False)


def test_a_ratio_says_when_it_is_only_a_lower_bound():
    one = [(100.0, 5, False), (100.0, 5, True)]
    other = [(20.0, 1, True), (20.0, 1, True)]
    figure = cost_ratio("x", one, other)
    assert figure.value == pytest.approx(5.0)
    assert figure.ci95 == pytest.approx((5.0, 5.0))
    assert "at least: 1 of 2" in figure.text


def entry(accuracy, latency, flops):
    return {"accuracy": accuracy, "latency_ms": latency, "flops": flops}


def test_recorded_evaluations_give_search_only_and_total(tmp_path):
    record = {
        "task": "digits",
        "architectures": 1e6,
        "epochs": {"evaluation": 1.0, "finish": 2.0},
        "full_training_flops": 10.0,
        "corner": [20.0, 2.0],
        "baseline": {"accuracy": 0.91, "latency_ms": 2.0},
        "library_flops": {"ours": 30.0, "random": 30.0, "lost": 30.0},
        "finish_flops": {"ours": 15.0, "random": 20.0, "lost": 20.0},
        "finished": {
            "ours": [entry(0.905, 1.0, 15.0)],
            "random": [entry(0.9, 0.8, 20.0)],
            "lost": [entry(0.7, 1.0, 20.0)],
        },
        "searches": {
            "ours": [[entry(0.9, 1.0, 5.0)]],
            "random": [[entry(0.85, 1.5, 5.0), entry(0.9, 1.0, 15.0)]],
            "lost": [[entry(0.7, 1.0, 25.0)]],
        },
    }
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record))
    figures, details = recorded(file)
    values = {figure.key.removeprefix("search_cost/recorded/"): figure.value for figure in figures}
    assert values == pytest.approx(
        {
            "search/ours": 0.5,
            "search/random_over_ours": 4.0,
            "search/lost_over_ours": 5.0,
            "total/ours": 5.0,
            "total/random_over_ours": 70 / 50,
            "total/lost_over_ours": 75 / 50,
            "finished/ours": 2.0,
            "finished/random": 2.5,
            "finished/lost": 2.0,
        }
    )
    texts = {figure.key.removeprefix("search_cost/recorded/"): figure.text for figure in figures}
    assert "at least" not in texts["search/random_over_ours"]
    assert "at least: 1 of 1" in texts["search/lost_over_ours"]
    assert texts["finished/ours"].endswith("+0.50 pt")
    trained = details["extrapolated"]["full_trainings_if_each_were_trained_in_full"]
    assert trained == {"ours": [1], "random": [2], "lost": [1]}
    for broken in ({"corner": None}, {"finish_flops": {"ours": 1.0}}):
        file.write_text(json.dumps(record | broken))
        with pytest.raises(InputError, match="not a record"):
            recorded(file)


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
        return hypervolume(rows, (20.0, 5.0))

    assert area(points) > 1.05 * area(chance)
