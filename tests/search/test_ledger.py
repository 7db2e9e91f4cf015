"""What a search spends is booked once, on the right stage, and survives the process."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.core import Ledger as CoreLedger
from paretune.search.flops import flops
from paretune.search.ledger import Ledger, LedgerSummary, StageCost
from paretune.sources._digits_net import DigitsNet


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clocks():
    return Clock(), Clock()


def conv():
    """A convolution of 2 * 4 * 3 * 3 * 3 * 8 * 8 = 13,824 FLOPs a sample."""
    return nn.Conv2d(3, 4, 3, padding=1, bias=False)


IMAGES = (torch.zeros(16, 3, 8, 8),)
FORWARD = 2 * 4 * 3 * 9 * 64


def test_time_goes_to_the_innermost_stage(clocks):
    wall, cpu = clocks
    ledger = Ledger(wall=wall, cpu=cpu)
    wall.now += 5  # before any stage: nobody's
    with ledger.stage("library"):
        wall.now += 2
        with ledger.stage("latency"):
            wall.now += 10
            cpu.now += 7
        wall.now += 1
        cpu.now += 1
    found = ledger.summary().stages
    assert found == {
        "library": StageCost(wall_s=3, cpu_s=1),
        "latency": StageCost(wall_s=10, cpu_s=7),
    }


def test_a_stage_entered_again_adds_up_and_an_error_closes_it(clocks):
    wall, _ = clocks
    ledger = Ledger(wall=wall)
    with ledger.stage("finish"):
        wall.now += 1

    def fail():
        with ledger.stage("finish"):
            wall.now += 2
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    wall.now += 50
    assert ledger.summary().stages["finish"].wall_s == 3


def test_flops_of_a_convolution_are_those_of_the_formula():
    module = conv()
    assert flops(module, IMAGES) == FORWARD
    # The gradient of the weights costs what the forward pass does; images need none.
    assert flops(module, IMAGES, backward=True) == 2 * FORWARD
    assert flops(module, (torch.zeros(1, 3, 16, 16),)) == 4 * FORWARD


def test_a_backward_pass_costs_about_two_forward_passes():
    module, images = DigitsNet(), (torch.zeros(2, 1, 8, 8),)
    ratio = flops(module, images, backward=True) / flops(module, images)
    assert ratio == pytest.approx(3, rel=0.05)


def test_counting_leaves_the_module_as_it_was():
    module = DigitsNet().train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    flops(module, (torch.rand(4, 1, 8, 8),), backward=True)
    assert module.training
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_frozen_parameters_cost_no_gradient():
    module = nn.Sequential(conv(), nn.Conv2d(4, 4, 1, bias=False))
    both = flops(module, IMAGES, backward=True)
    module[0].requires_grad_(False)
    assert flops(module, IMAGES, backward=True) == both - FORWARD - 2 * 4 * 4 * 64


def test_training_books_student_and_teacher_on_the_open_stage():
    ledger, student, teacher = Ledger(), conv(), conv()
    ledger.baseline(teacher, IMAGES, samples=100, epochs=10)
    with ledger.stage("finish"):
        ledger.train(student, IMAGES, samples=500, teacher=teacher)
    ledger.spend(7.0)
    summary = ledger.summary()
    assert summary.stages["finish"].training_flops == 500 * 3 * FORWARD
    assert summary.stages["other"].training_flops == 7
    assert summary.full_training_equivalents == pytest.approx(0.5, rel=1e-4)


def test_no_equivalents_without_a_baseline():
    ledger = Ledger()
    ledger.spend(1e9)
    assert ledger.summary().full_training_equivalents == 0


def test_what_was_saved_goes_on_after_a_kill(tmp_path, clocks):
    wall, cpu = clocks
    file = tmp_path / "ledger.json"
    script = (
        "import os, signal; from pathlib import Path; from paretune.search.ledger import Ledger\n"
        f"ledger = Ledger(Path({str(file)!r}), wall=iter(range(100)).__next__)\n"
        "with ledger.stage('library'):\n"
        "    ledger.spend(5.0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    ledger = Ledger(file, wall=wall, cpu=cpu)
    saved = ledger.summary()
    assert saved.stages["library"].training_flops == 5
    before = saved.stages["library"].wall_s
    assert before > 0  # the open stage is in it
    with ledger.stage("library"):
        wall.now += 4
    assert ledger.summary().stages["library"].wall_s == before + 4


def test_an_absent_file_is_an_empty_ledger_and_a_wrong_one_is_refused(tmp_path):
    assert Ledger(tmp_path / "none.json").summary() == LedgerSummary()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1]")
    with pytest.raises(InputError, match=r"wrong\.json is not a ledger"):
        Ledger(wrong)


def test_the_run_s_ledger_takes_the_search_s_figures():
    summary = LedgerSummary(
        stages={
            "library": StageCost(wall_s=60, cpu_s=110, training_flops=3e12),
            "solve": StageCost(wall_s=5, cpu_s=5),
            "quantisation-aware": StageCost(wall_s=9, cpu_s=9, training_flops=1e12),
        },
        full_training_flops=8e12,
    )
    run = CoreLedger(
        wall_s=100, cpu_s=150, stages_s={"bench": 20, "search": 68, "finalists": 8, "compare": 4}
    )
    merged = summary.merged(run, others={"quantisation-aware": "finalists"})
    assert merged == CoreLedger(
        wall_s=100,
        cpu_s=150,
        training_flops=4e12,
        full_training_equivalents=0.5,
        stages_s={
            "bench": 20, "search": 3, "library": 60, "solve": 5, "finalists": 0,
            "quantisation-aware": 9, "compare": 4,
        },
        stages_cpu_s={"library": 110, "solve": 5, "quantisation-aware": 9},
        stages_flops={"library": 3e12, "quantisation-aware": 1e12},
    )  # fmt: skip
    assert list(merged.stages_s)[1:4] == ["search", "library", "solve"]
