"""Distillation on real digits: it teaches, goes on after a kill, repeats, and keeps its budget."""

import copy
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from paretune.core import InputError, TensorSpec, UnsupportedError
from paretune.data import ArrayFolder
from paretune.data.array_folder import file_names
from paretune.search.finish import Recipe, distil
from paretune.search.flops import flops
from paretune.search.ledger import Ledger
from tests.pipeline.conftest import Told
from tests.search.finish.conftest import net, weights

QUICK = Recipe(batch=64, lr=1e-2, mixup=0.0)


class Clock:
    """Moves by a second, or what is given, each time it is read."""

    def __init__(self, by=1.0):
        self.now, self.by = 0.0, by

    def __call__(self):
        self.now += self.by
        return self.now


def folder(path, arrays, labels=None):
    """Arrays by input name, written as a prepared split."""
    specs = tuple(
        TensorSpec(name=name, shape=(None, *x.shape[1:]), dtype=str(x.dtype))
        for name, x in arrays.items()
    )
    for name, x in zip(file_names(specs), arrays.values(), strict=True):
        np.save(path / name, x)
    if labels is not None:
        np.save(path / "labels.npy", labels)
    n = len(next(iter(arrays.values())))
    return ArrayFolder(path=path, n=n, inputs=specs, labelled=labels is not None, digest="0")


def unlabelled(arrays):
    return arrays.model_copy(update={"labelled": False})


def test_a_student_learns_from_its_teacher_without_labels(digits, teacher, accuracy):
    student = net(1)
    untaught = accuracy(student)
    done = distil(
        student,
        teacher,
        unlabelled(digits["train"]),
        recipe=QUICK,
        epochs=9,
        evaluate=accuracy,
        evaluations=3,
    )
    assert done.reason is None
    assert done.score == accuracy(student) == accuracy(done.module)
    assert untaught < 0.3
    assert done.score > 0.8
    assert not student.training
    assert len(done.curve) == 3
    assert done.curve[0][1] < done.score
    assert np.mean(done.losses[-5:]) < 0.5 * np.mean(done.losses[:5])


def test_the_teacher_and_the_random_generator_are_left_alone(digits, teacher):
    before, state = weights(teacher), torch.get_rng_state()
    layout = [p.is_contiguous() for p in teacher.parameters()]
    distil(net(1), teacher, digits["train"], recipe=QUICK, epochs=0.2)
    assert np.array_equal(weights(teacher), before)
    assert [p.is_contiguous() for p in teacher.parameters()] == layout
    assert all(p.requires_grad for p in teacher.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_one_seed_gives_one_result(digits, teacher):
    def run(seed):
        student = net(1)
        distil(student, teacher, digits["train"], recipe=QUICK, epochs=0.3, seed=seed)
        return weights(student)

    assert np.array_equal(run(3), run(3))
    assert not np.array_equal(run(3), run(4))


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from paretune.core import Silent
from paretune.data import ArrayFolder
from paretune.search.finish import distil
from tests.search.finish.conftest import net
from tests.search.finish.test_distil import QUICK, Clock

class Kill(Silent):
    def step(self, text):
        if text.startswith("6"):
            os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
teacher = net(0, (8, 16, 32))
teacher.load_state_dict(torch.load(sys.argv[1], weights_only=True))
arrays = ArrayFolder.model_validate_json(sys.argv[2])
distil(net(1), teacher, arrays, recipe=QUICK, epochs=1, checkpoint=Path(sys.argv[3]),
       save_every=3, progress=Kill(), clock=Clock())
"""


def test_a_killed_training_goes_on_as_if_it_had_not_been(digits, teacher, tmp_path):
    arrays, checkpoint = digits["train"], tmp_path / "state" / "student.pt"
    torch.save(teacher.state_dict(), tmp_path / "teacher.pt")
    arguments = [str(tmp_path / "teacher.pt"), arrays.model_dump_json(), str(checkpoint)]
    script = [sys.executable, "-c", KILLED, *arguments]
    root = Path(__file__).parents[3]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    assert subprocess.run(script, cwd=root, env=env).returncode == -signal.SIGKILL

    whole, resumed, again = net(1), net(1), net(1)
    options = {"recipe": QUICK, "epochs": 1}
    expected = distil(whole, teacher, arrays, **options)
    steps = count_steps(resumed)
    done = distil(resumed, teacher, arrays, checkpoint=checkpoint, **options)
    assert 0 < steps[0] < expected.steps  # some were taken before the kill
    assert done.losses == expected.losses
    assert np.array_equal(weights(resumed), weights(whole))

    # A finished one is handed back as it was, without another step.
    steps = count_steps(again)
    assert distil(again, teacher, arrays, checkpoint=checkpoint, **options).steps == done.steps
    assert steps[0] == 0
    assert np.array_equal(weights(again), weights(whole))
    assert [file.name for file in checkpoint.parent.iterdir()] == [checkpoint.name]


def count_steps(module):
    """How often a module runs from now on where gradients follow, but on one or two samples."""
    seen = [0]

    def hook(_module, inputs, _output):
        seen[0] += torch.is_grad_enabled() and len(inputs[0]) > 2

    module.register_forward_hook(hook)
    return seen


def test_another_request_s_checkpoint_is_refused(digits, teacher, tmp_path):
    file = tmp_path / "student.pt"
    distil(net(1), teacher, digits["train"], recipe=QUICK, epochs=0.2, checkpoint=file)
    with pytest.raises(InputError, match="belongs to another training"):
        distil(net(2), teacher, digits["train"], recipe=QUICK, epochs=0.2, checkpoint=file)
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not the state of a training"):
        distil(net(1), teacher, digits["train"], recipe=QUICK, epochs=0.2, checkpoint=file)


def test_a_budget_of_seconds_brings_the_rate_to_zero_whatever_a_step_costs(digits, teacher):
    class Slowing(Clock):
        def __call__(self):
            self.by *= 1.05
            return super().__call__()

    for clock in (Clock(), Slowing(0.5)):
        done = distil(net(1), teacher, digits["train"], recipe=QUICK, seconds=40.0, clock=clock)
        assert max(done.rates) > 0.9 * QUICK.lr
        assert done.rates[-1] < 0.05 * QUICK.lr
        assert done.seconds == pytest.approx(40, abs=5)
        falling = done.rates[done.rates.index(max(done.rates)) :]
        assert list(falling) == sorted(falling, reverse=True)


def test_the_only_step_that_there_is_time_for_counts(digits, teacher):
    for seconds in (0.5, 2.5):
        done = distil(
            net(1), teacher, digits["train"], recipe=QUICK, seconds=seconds, clock=Clock()
        )
        assert done.steps <= 3
        assert 0.3 * QUICK.lr < done.rates[0] <= QUICK.lr


def test_looks_are_not_training(digits, teacher):
    clock = Clock()

    def slow(_module):
        clock.now += 1000
        return 0.5

    options = {"recipe": QUICK, "seconds": 20.0, "clock": clock}
    done = distil(net(1), teacher, digits["train"], evaluate=slow, evaluations=4, **options)
    assert done.seconds < 30
    assert [score for _, score in done.curve] == [0.5] * 4


def test_nan_in_the_data_drops_the_student_with_the_reason(digits, teacher, tmp_path):
    images = digits["train"].feeds(0, 128)["image"].copy()
    images[5] = np.nan
    done = distil(net(1), teacher, folder(tmp_path, {"image": images}), recipe=QUICK, epochs=3)
    assert done.reason is not None
    assert "inputs are not finite at step" in done.reason
    assert done.score is None


#: Makes any student diverge.
WILD = Recipe(batch=64, lr=90.0, weight_decay=90.0, optimizer="sgd", precision="f32")


def test_a_rate_that_is_too_high_drops_the_student_with_the_reason(digits, teacher):
    done = distil(net(1), teacher, digits["train"], recipe=WILD, epochs=4)
    assert done.reason is not None
    assert "at step" in done.reason


def test_who_diverged_is_not_trained_again_from_the_checkpoint(digits, teacher, tmp_path):
    options = {"recipe": WILD, "epochs": 4, "checkpoint": tmp_path / "student.pt"}
    first = distil(net(1), teacher, digits["train"], **options)
    again = net(1)
    seen = count_steps(again)
    second = distil(again, teacher, digits["train"], **options)
    assert first.reason is not None
    assert (second.reason, second.seconds, seen) == (first.reason, first.seconds, [0])


def test_a_teacher_that_answers_nan_is_named(digits, teacher):
    broken = copy.deepcopy(teacher)
    broken.head[2].bias.data[0] = float("nan")
    done = distil(net(1), broken, digits["train"], recipe=QUICK, epochs=1)
    assert done.reason == "the teacher's answers are not finite at step 1"


class Hungry(nn.Module):
    """A network that, in training, has memory for so many samples only."""

    def __init__(self, room):
        super().__init__()
        self.net, self.room, self.sizes = net(1), room, []

    def forward(self, image):
        if self.training:
            if len(image) > self.room:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: no room")
            self.sizes.append(len(image))
        return self.net(image)


def test_out_of_memory_halves_what_goes_through_at_once(digits, teacher):
    student = Hungry(room=20)
    done = distil(student, teacher, digits["train"], recipe=QUICK, epochs=0.3)
    assert done.micro_batch == 16
    assert done.samples == 64 * done.steps
    assert set(student.sizes) == {16}


def test_out_of_memory_at_the_smallest_batch_is_said(digits, teacher):
    with pytest.raises(UnsupportedError, match="out of memory with 2 samples at once"):
        distil(Hungry(room=1), teacher, digits["train"], recipe=QUICK, epochs=1)


def test_another_error_of_the_module_is_not_taken_for_lack_of_memory(digits, teacher):
    class Broken(Hungry):
        def forward(self, image):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        distil(Broken(1), teacher, digits["train"], recipe=QUICK, epochs=1)


def test_progress_is_told_all_along(digits, teacher):
    told = Told()
    distil(
        net(1), teacher, digits["train"], recipe=QUICK, seconds=100, progress=told, clock=Clock()
    )
    assert len(told.steps) >= 18
    assert told.steps[0].startswith("5% of the budget")


def test_the_ledger_is_told_student_and_teacher(digits, teacher):
    ledger, student = Ledger(), net(1)
    recipe = replace(QUICK, flip=False, shift=0.125)
    with ledger.stage("finish"):
        done = distil(student, teacher, digits["train"], recipe=recipe, epochs=0.3, ledger=ledger)
    image = (torch.zeros(1, 1, 8, 8),)
    each = flops(student, image, backward=True) + flops(teacher, image)
    assert ledger.summary().stages["finish"].training_flops == done.samples * each > 0


class Sided(nn.Module):
    """A linear network that tells left from right, or answers the mean of both ways."""

    def __init__(self, both):
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.both = nn.Linear(64, 10), both

    def forward(self, image):
        ways = [image, image.flip(-1)] if self.both else [image]
        return torch.stack([self.linear(way.flatten(1)) for way in ways]).mean(0)


@pytest.mark.parametrize("both", [True, False])
def test_the_teacher_is_asked_both_ways_where_images_may_be_mirrored(digits, both):
    recipe = Recipe(batch=64, lr=1e-9, flip=True, shift=0.125, both_ways=both, precision="f32")
    ledger, teacher, matching = Ledger(), Sided(both=False), Sided(both=both)
    with ledger.stage("finish"):
        done = distil(matching, teacher, digits["train"], recipe=recipe, epochs=0.3, ledger=ledger)
    other = distil(Sided(both=not both), teacher, digits["train"], recipe=recipe, epochs=0.3)
    assert max(done.losses) < 1e-6 < 1e-3 < min(other.losses)
    image = (torch.zeros(1, 1, 8, 8),)
    asked = (1 + both) * flops(teacher, image)
    each = flops(matching, image, backward=True) + asked
    assert ledger.summary().stages["finish"].training_flops == done.samples * each


def test_labels_help_where_the_teacher_is_wrong(digits, accuracy):
    ignorant = net(5, (8, 16, 32))
    recipe = Recipe(batch=64, lr=1e-2, mixup=0.1, hard_weight=1.0)
    done = distil(net(1), ignorant, digits["train"], recipe=recipe, epochs=8, evaluate=accuracy)
    assert done.score > 0.5  # the teacher knows a tenth


def test_features_are_matched_where_they_are_paired(digits, teacher):
    def distance(student):
        seen = {}
        for name, module in (("student", student), ("teacher", teacher)):
            hook = module.stages[0].register_forward_hook(
                lambda _m, _i, output, name=name: seen.update({name: output})
            )
            with torch.no_grad():
                module(torch.from_numpy(digits["search"].feeds(0, 64)["image"].copy()))
            hook.remove()
        return float((seen["student"] - seen["teacher"]).square().mean())

    found = []
    for weight in (0.0, 10.0):
        student = net(1, (8, 8, 8))
        recipe = Recipe(batch=64, lr=4e-3, feature_weight=weight)
        pairs = {"stages.0": "stages.0"}
        distil(student, teacher, digits["train"], recipe=recipe, epochs=2, features=pairs)
        found.append(distance(student))
    assert found[1] < 0.7 * found[0]
    assert not student.stages[0]._forward_hooks


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"nowhere": "stages.0"}, "the student has no submodule 'nowhere'"),
        ({"stages.0": "stages.1"}, "pair layers of one shape"),
    ],
)
def test_features_that_do_not_fit_are_refused(digits, teacher, pairs, message):
    with pytest.raises(InputError, match=message):
        distil(net(1), teacher, digits["train"], recipe=QUICK, epochs=1, features=pairs)


class Words(nn.Module):
    """Classes of a row of tokens, by the mean of their embeddings."""

    def __init__(self, seed, width):
        super().__init__()
        torch.manual_seed(seed)
        self.words = nn.Embedding(30, width)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(width, 3))

    def forward(self, tokens, mask):
        seen = mask.unsqueeze(-1).float()
        return self.head((self.words(tokens) * seen).sum(1) / seen.sum(1))


def test_tokens_are_distilled_as_they_are(tmp_path):
    random = np.random.default_rng(0)
    tokens = random.integers(0, 30, size=(256, 6))
    mask = np.ones_like(tokens)
    arrays = folder(tmp_path, {"tokens": tokens, "mask": mask})
    teacher, student = Words(0, 16).eval(), Words(1, 8)
    recipe = Recipe(batch=32, lr=3e-2, temperature=2.0)
    done = distil(student, teacher, arrays, recipe=recipe, epochs=15)
    assert done.losses[-1] < 0.3 * done.losses[0]
    with torch.no_grad():
        inputs = (torch.from_numpy(tokens), torch.from_numpy(mask))
        same = teacher(*inputs).argmax(1) == student(*inputs).argmax(1)
    assert float(same.float().mean()) > 0.8


def test_frozen_parameters_stay_and_a_student_without_others_is_refused(digits, teacher):
    student = net(1)
    student.stem.requires_grad_(False)
    before = student.stem[1].weight.clone()
    distil(student, teacher, digits["train"], recipe=QUICK, epochs=0.3)
    assert torch.equal(student.stem[1].weight, before)
    student.requires_grad_(False)
    with pytest.raises(InputError, match="no parameter that can be trained"):
        distil(student, teacher, digits["train"], recipe=QUICK, epochs=0.3)


@pytest.mark.parametrize("budget", [{}, {"seconds": 0.0}, {"epochs": float("inf")}])
def test_a_budget_that_is_none_is_refused(digits, teacher, budget):
    with pytest.raises(InputError, match="needs a budget that ends"):
        distil(net(1), teacher, digits["train"], **budget)


def test_too_few_samples_are_refused(digits, teacher):
    one = digits["train"].model_copy(update={"n": 1})
    with pytest.raises(InputError, match="has 1 samples, too few to distil on"):
        distil(net(1), teacher, one, epochs=1)


def test_a_recipe_outside_its_ranges_is_refused():
    with pytest.raises(InputError, match="recipe: temperature is 0: give a number from"):
        Recipe(temperature=0)
