"""Successive halving on real digits: the better go on, the broken drop out, a kill is survived."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from paretune.core import InputError, UnsupportedError
from paretune.search.finish import Recipe, distil, halve, rung_sizes
from paretune.search.flops import flops
from paretune.search.ledger import Ledger
from tests.pipeline.conftest import Told
from tests.search.finish.conftest import net, weights
from tests.search.finish.test_distil import Clock, Hungry, count_steps

RECIPE = Recipe(batch=64, lr=1e-2, mixup=0.0, norm_batches=2)


@pytest.mark.parametrize(
    ("n", "keep", "rungs", "sizes"),
    [
        (8, 1, None, (8, 4, 2, 1)),
        (8, 3, None, (8, 5, 3)),
        (6, 2, 2, (6, 2)),
        (1, 1, None, (1,)),
        (3, 5, None, (3,)),
        (27, 1, 4, (27, 9, 3, 1)),
    ],
)
def test_rungs_lead_from_all_to_those_that_are_kept(n, keep, rungs, sizes):
    assert rung_sizes(n, keep=keep, rungs=rungs) == sizes


@pytest.mark.parametrize(("n", "keep", "rungs"), [(0, 1, None), (4, 0, None), (4, 1, 0)])
def test_nothing_to_choose_from_is_refused(n, keep, rungs):
    with pytest.raises(InputError, match="at least one candidate"):
        rung_sizes(n, keep=keep, rungs=rungs)


class Dead(nn.Module):
    """A network that answers NaN."""

    def __init__(self):
        super().__init__()
        self.net = net(1)

    def forward(self, image):
        return self.net(image) * float("nan")


def candidates():
    frozen = net(4)
    frozen.stages.requires_grad_(False)
    return {
        "dead": Dead(),
        "wide": net(1, (8, 16, 32)),
        "frozen": frozen,
        "narrow": net(2, (2, 2, 2)),
        "hungry": Hungry(room=1),
    }


def run(digits, teacher, accuracy, modules, **options):
    return halve(
        modules,
        teacher,
        digits["train"],
        score=accuracy,
        seconds=60.0,
        recipe=RECIPE,
        clock=Clock(),
        **options,
    )


def test_the_best_goes_through_every_rung_and_the_broken_none(digits, teacher, accuracy):
    modules, ledger = candidates(), Ledger()
    found = run(digits, teacher, accuracy, modules, keep=1, rungs=3, ledger=ledger)
    assert found.ranking[0].name == "wide"
    assert list(found.finished) == ["wide"]
    assert found.finished["wide"] is modules["wide"]
    best = found.ranking[0]
    assert len(best.scores) == 3
    assert best.scores[-1] == accuracy(modules["wide"]) > best.scores[0]
    by_name = {standing.name: standing for standing in found.ranking}
    assert "loss is nan at step 1" in by_name["dead"].reason
    assert "out of memory" in by_name["hungry"].reason
    assert [s.reason is None for s in found.ranking] == [True, True, True, False, False]
    # What the dropped left goes to the others, and nothing beyond the budget is spent.
    # The clock moves when it is read, also before a training and for a look.
    assert sum(s.seconds for s in found.ranking) == pytest.approx(60 - 2 * 8, abs=8)
    assert best.seconds > 20
    assert ledger.summary().training_flops > 0


def test_a_rung_goes_on_from_the_one_before(digits, teacher, accuracy):
    student = net(1)
    halving = run(digits, teacher, accuracy, {"one": student}, rungs=2)
    apart, arrays = net(1), digits["train"]
    options = {"recipe": RECIPE, "evaluate": accuracy, "clock": Clock()}
    short = distil(apart, teacher, arrays, seconds=20.0, **options)
    first, second = halving.ranking[0].scores
    assert first == short.score
    assert second > first
    # A second distillation would begin with other momenta, and the same batches again.
    distil(apart, teacher, arrays, seconds=60.0 - short.seconds, **options)
    assert not (weights(student) == weights(apart)).all()


def test_the_teacher_is_asked_once_for_what_all_see(digits, teacher, accuracy):
    ledger, asked, students = Ledger(), [], {"one": net(1), "two": net(2)}
    hook = teacher.register_forward_hook(lambda module, inputs, answer: asked.append(len(answer)))
    try:
        found = run(digits, teacher, accuracy, students, rungs=1, ledger=ledger)
    finally:
        hook.remove()
    steps = [standing.steps for standing in found.ranking]
    assert sum(n == RECIPE.batch for n in asked) == max(steps) < sum(steps)
    image = [torch.zeros(1, *digits["train"].feeds(0, 1)["image"].shape[1:])]
    learnt = flops(students["one"], image, backward=True) * sum(steps)
    # Counting FLOPs runs one sample; what the teacher knows an image through is asked once, too.
    questions = sum(n for n in asked if n > 1)
    assert questions > RECIPE.batch * max(steps)
    expected = RECIPE.batch * learnt + flops(teacher, image) * questions
    assert ledger.summary().training_flops == expected


def scored(digits, teacher, each, **options):
    """Four that are alike, two of which go on; scoring takes `each` seconds."""
    clock, modules = Clock(), {f"s{seed}": net(seed) for seed in range(4)}

    def score(_module):
        clock.now += each
        return 0.5

    given = {"rungs": 2, "keep": 2, "recipe": RECIPE, "clock": clock}
    return halve(modules, teacher, digits["train"], score=score, **given, **options)


@pytest.mark.parametrize(("each", "trained"), [(4.0, 30.0), (10.0, 24.0), (100.0, 22.0)])
def test_scoring_is_of_the_budget(digits, teacher, each, trained):
    found = scored(digits, teacher, each, seconds=60.0)
    assert sum(s.seconds for s in found.ranking) == pytest.approx(trained, abs=6)
    assert all(s.steps for s in found.ranking)


def test_what_scoring_will_take_is_kept_from_the_first_rung(digits, teacher):
    found = scored(digits, teacher, 4.0, seconds=84.0, looking=4.0)
    # Of 84 seconds six looks take 24, and of the rest the first rung a third: 5 each, and not 7.
    seconds = [standing.seconds for standing in found.ranking]
    assert seconds == pytest.approx([25, 25, 5, 5], abs=4)
    assert seconds[2:] == pytest.approx([5, 5], abs=1)


def test_where_scoring_has_used_up_the_time_the_best_so_far_come_through(digits, teacher):
    told = Told()
    found = scored(digits, teacher, 100.0, seconds=60.0, progress=told)
    assert list(found.finished) == ["s0", "s1"]
    assert {len(standing.scores) for standing in found.ranking} == {1}
    assert told.notes == ["the time is over after 1 of 2 rungs"]


def kept(file):
    """Which of a state's tensors a file keeps."""
    state = torch.load(file, weights_only=True)
    return {name for name in ("student", "average", "optimizer") if state[name]}


def test_weights_are_kept_as_long_as_something_may_go_on_from_them(
    digits, teacher, accuracy, tmp_path
):
    modules = {"wide": net(1, (8, 16, 32)), "narrow": net(2, (2, 2, 2)), "dead": Dead()}
    found = run(digits, teacher, accuracy, modules, keep=1, rungs=2, checkpoints=tmp_path)
    assert list(found.finished) == ["wide"]
    files = {file.name: kept(file) for file in tmp_path.iterdir()}
    full = {"student", "average", "optimizer"}
    assert files == {"0-0.pt": set(), "0-1.pt": full, "1-0.pt": set(), "2-0.pt": set()}
    again = {"wide": net(1, (8, 16, 32)), "narrow": net(2, (2, 2, 2)), "dead": Dead()}
    steps = count_steps(again["wide"])
    resumed = run(digits, teacher, accuracy, again, keep=1, rungs=2, checkpoints=tmp_path)
    assert resumed.ranking == found.ranking
    assert steps == [0]
    assert (weights(again["wide"]) == weights(modules["wide"])).all()


def test_who_had_no_memory_is_out_after_a_kill_too(digits, teacher, accuracy, tmp_path):
    modules = {"one": net(1), "hungry": Hungry(room=1)}
    found = run(digits, teacher, accuracy, modules, keep=1, rungs=2, checkpoints=tmp_path)
    # With more memory it would be trained, and the others would not get the time that they got.
    again = {"one": net(1), "hungry": Hungry(room=64)}
    resumed = run(digits, teacher, accuracy, again, keep=1, rungs=2, checkpoints=tmp_path)
    assert resumed.ranking == found.ranking
    assert "out of memory" in resumed.ranking[-1].reason


class KillError(Exception):
    pass


def test_after_a_kill_the_same_choices_are_made(digits, teacher, accuracy, tmp_path):
    whole = {name: candidates()[name] for name in ("dead", "wide", "narrow")}
    rest = copy.deepcopy(whole), copy.deepcopy(whole)
    expected = run(digits, teacher, accuracy, whole, checkpoints=tmp_path / "whole")
    asked = [0]

    def dies(module):
        asked[0] += 1
        if asked[0] == 3:
            raise KillError
        return accuracy(module)

    options = {"checkpoints": tmp_path / "killed", "save_every": 3.0}
    with pytest.raises(KillError):
        run(digits, teacher, dies, rest[0], **options)
    again = rest[1]
    steps = count_steps(again["wide"])
    found = run(digits, teacher, accuracy, again, **options)
    assert [s.name for s in found.ranking] == [s.name for s in expected.ranking]
    assert found.ranking[0].scores == expected.ranking[0].scores
    name = found.ranking[0].name
    assert (weights(again[name]) == weights(whole[name])).all()
    assert 0 < steps[0] < expected.ranking[0].steps


def test_a_score_that_is_no_number_drops_the_candidate(digits, teacher):
    found = halve(
        {"one": net(1)},
        teacher,
        digits["train"],
        score=lambda _module: float("nan"),
        seconds=5.0,
        recipe=RECIPE,
        clock=Clock(),
    )
    assert found.ranking[0].reason == "its score is not a number"
    assert found.finished == {}


def test_who_goes_on_is_who_promises_most(digits, teacher, accuracy):
    asked = []

    def promise(name, score, growth):
        asked.append((name, growth))
        return -score

    modules = {"wide": net(1, (8, 16, 32)), "narrow": net(2, (2, 2, 2))}
    found = run(digits, teacher, accuracy, modules, keep=1, rungs=2, promise=promise)
    assert list(found.finished) == ["narrow"]
    # A third of the time for two, two thirds for one: five times as long in the end.
    assert [name for name, _ in asked] == ["wide", "narrow", "narrow"]
    assert [growth for _, growth in asked] == pytest.approx([5.0, 5.0, 1.0])


def test_equals_stay_in_the_order_given(digits, teacher):
    found = halve(
        {"b": net(1), "a": net(2)},
        teacher,
        digits["train"],
        score=lambda _module: 0.5,
        seconds=12.0,
        recipe=RECIPE,
        clock=Clock(),
    )
    assert [standing.name for standing in found.ranking] == ["b", "a"]


def test_it_tells_how_far_each_training_is(digits, teacher):
    told = Told()
    halve(
        {"one": net(1), "two": net(2)}, teacher, digits["train"], score=lambda _: 1.0, seconds=60,
        keep=1, recipe=RECIPE, progress=told, clock=Clock(),
    )  # fmt: skip
    assert told.stages == ["finish: rung 1 of 2", "finish: rung 2 of 2"]
    for name in ("one", "two"):
        assert any(
            text.startswith(f"{name}: ") and "% of the budget" in text for text in told.steps
        )


def test_the_share_of_one_that_failed_is_not_spent_again(digits, teacher):
    # This clock moves when it is read, also where nothing was done: at the end of what settled.
    late = replace(RECIPE, settle=0.0)
    clock, modules = Clock(), {f"s{seed}": net(seed) for seed in range(4)}
    calls = []

    def score(_module):
        calls.append(None)
        if len(calls) <= 2:
            raise UnsupportedError("cannot be scored")
        return 0.5

    given = {"rungs": 2, "keep": 2, "recipe": late, "clock": clock, "seconds": 60.0}
    halve(modules, teacher, digits["train"], score=score, **given)
    assert clock.now <= 74
