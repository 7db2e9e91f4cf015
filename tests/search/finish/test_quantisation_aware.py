"""Training in simulated int8 wins back a real drop, measured in OpenVINO's own int8."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from paretune import runtimes
from paretune.core import Model, TensorSpec
from paretune.runtimes import Settings
from paretune.search.finish import Recipe, distil, quantisation_aware
from paretune.search.finish._fake_quant import simulated
from paretune.search.finish._saved import fingerprint
from paretune.search.finish.quantisation_aware import RECIPE
from tests.search.finish.conftest import net, weights


def feeds(digits, n):
    return torch.from_numpy(digits["train"].feeds(0, n)["image"].copy())


def int8_accuracy(module, digits, folder):
    """Accuracy on `search` of OpenVINO's post-training quantisation of a module."""
    folder.mkdir()
    openvino = runtimes.get("openvino")
    model = Model(
        name="digits",
        source="test",
        inputs=(TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32"),),
        outputs=(TensorSpec(name="output", shape=(None, 10), dtype="float32"),),
        task="classification",
        digest=folder.name,
        module=module,
    )
    arrays = digits["train"]
    calibration = [arrays.feeds(row, row + 1) for row in range(96)]
    program = openvino.prepare(model, "int8", folder, calibration=calibration)
    search = digits["search"]
    session = openvino.load(program, Settings(batch=search.n))
    scores = session.run(dict(search.feeds(0, search.n)))[0]
    return float((scores.argmax(1) == search.labels()).mean())


def stretched(module, by):
    """The same function in f32, with a few channels so large that int8 cannot tell the others.

    A channel of a ReLU scaled up and its reader's weights scaled down cancel.
    """
    module = copy.deepcopy(module)
    with torch.no_grad():
        for block in module.stages:
            block.bn1.weight[0] *= by
            block.bn1.bias[0] *= by
            block.conv2.weight[:, 0] /= by
    return module


def test_it_wins_back_what_openvino_s_int8_lost(digits, teacher, accuracy, tmp_path):
    student = stretched(teacher, 400.0)
    before = accuracy(student)
    assert before == pytest.approx(accuracy(teacher), abs=0.01)
    lost = before - int8_accuracy(student, digits, tmp_path / "before")
    assert lost > 0.1
    options = {"drop": lost, "allowed": 0.01, "epochs": 4}
    recipe = dataclasses.replace(RECIPE, batch=64, lr=3e-3)
    done = quantisation_aware(student, teacher, digits["train"], recipe=recipe, **options)
    assert done.reason is None
    left = before - int8_accuracy(done.module, digits, tmp_path / "after")
    assert left < 0.5 * lost


def test_nothing_is_done_where_the_drop_is_allowed(digits, teacher):
    student = net(1)
    before = weights(student)
    options = {"drop": 0.004, "allowed": 0.005, "epochs": 1}
    assert quantisation_aware(student, teacher, digits["train"], **options) is None
    assert np.array_equal(weights(student), before)


def test_the_module_is_a_plain_one_again(digits, teacher):
    student = net(1)
    keys = list(student.state_dict())
    quantisation_aware(student, teacher, digits["train"], drop=1, allowed=0, epochs=0.3)
    assert list(student.state_dict()) == keys
    assert all("weight" not in vars(layer) for layer in student.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in student.modules())


def test_it_goes_on_from_a_checkpoint(digits, teacher, tmp_path):
    def run(student):
        done = quantisation_aware(
            student,
            teacher,
            digits["train"],
            drop=1,
            allowed=0,
            epochs=0.3,
            checkpoint=tmp_path / "student.pt",
        )
        return done.steps, weights(student)

    first, second = run(net(1)), run(net(1))
    assert first[0] == second[0] > 0
    assert np.array_equal(first[1], second[1])


def test_a_checkpoint_is_known_again_though_ranges_differ_in_a_last_bit(digits, teacher):
    def key(of):
        return fingerprint(of, teacher, digits["train"], RECIPE, seed=0, budget=1.0)

    student, inputs = net(1), digits["train"].tensors(slice(0, 64))
    plain = key(student)
    with simulated(student, [inputs]):
        first = key(student)
    with simulated(student, [[x * 1.0001 for x in inputs]]):
        again = key(student)
    assert first == again != plain


def test_simulated_weights_take_255_values_a_channel_and_inputs_256():
    layer = nn.Conv2d(3, 4, 1, bias=False)
    x = torch.rand(64, 3, 8, 8) * 5
    seen = {}
    with simulated(nn.Sequential(layer), [(x,)]) as module, torch.no_grad():
        hook = layer.register_forward_pre_hook(
            lambda subject, inputs: seen.update(x=inputs[0], weight=subject.weight)
        )
        module(x)
        hook.remove()
    scale = layer.weight.flatten(1).abs().amax(1) / 127
    steps = seen["weight"].flatten(1) / scale[:, None]
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    assert not torch.equal(seen["weight"], layer.weight)
    assert 200 < len(seen["x"].unique()) <= 256
    assert float((seen["x"] - x).abs().max()) < 0.2


def test_gradients_pass_the_rounding():
    layer = nn.Linear(4, 2)
    with simulated(nn.Sequential(layer), [(torch.rand(8, 4),)]) as module:
        module(torch.rand(8, 4)).sum().backward()
    assert layer.weight.grad is not None
    assert float(layer.weight.grad.abs().min()) > 0


def test_ranges_follow_in_training_and_stand_in_evaluation():
    layer = nn.Linear(4, 2)
    with simulated(nn.Sequential(layer), [(torch.rand(8, 4),)]) as module:
        before = float(layer.int8_high)
        module(torch.rand(8, 4) * 9)
        assert float(layer.int8_high) == before
        module.train()(torch.rand(8, 4) * 9)
        assert float(layer.int8_high) > before


@pytest.mark.parametrize("fails", [ValueError("on purpose"), KeyboardInterrupt()])
def test_the_module_is_plain_after_a_failure_inside(fails):
    layer = nn.Linear(4, 2)

    def fail():
        with simulated(nn.Sequential(layer), [(torch.rand(8, 4),)]):
            raise fails

    with pytest.raises(type(fails)):
        fail()
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert not layer._forward_pre_hooks


def test_distilling_in_between_needs_no_drop(digits, teacher, accuracy):
    """The simulation costs a trained student little where nothing is stretched."""
    student = copy.deepcopy(teacher)
    with simulated(student, [(feeds(digits, 64),)]):
        assert accuracy(student) > accuracy(teacher) - 0.03
        recipe = Recipe(batch=64, lr=1e-4, mixup=0.0, precision="f32")
        done = distil(student, teacher, digits["train"], recipe=recipe, epochs=0.5)
    assert done.reason is None
