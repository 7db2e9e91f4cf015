"""What training keeps in memory is counted before it is tried."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from paretune.core import UnsupportedError
from paretune.engine import machine
from paretune.search.finish import Recipe, distil
from paretune.search.finish._memory import OVER, PART, activation_bytes, fitting
from tests.search.finish.conftest import net


def test_activations_that_wait_for_their_gradients_are_counted_once():
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1)).train()
    kept = activation_bytes(module, [torch.zeros(2, 3, 16, 16)], nullcontext)
    # The input, and what ReLU gave: it is kept for itself and for the next layer.
    assert kept == 2 * (3 + 8) * 16 * 16 * 4
    assert module.training


class Copying(nn.Module):
    """Keeps 2 MB of its weights, as simulated int8 does, and 1 MB a sample."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(250_000))

    def forward(self, x):
        heavy = (self.weight * 2.0).exp().sum() + (self.weight * 3.0).exp().sum()
        return (x * heavy).relu()


@pytest.mark.parametrize(("free", "samples"), [(1e9, 64), (22.0, 20), (0.1, 1)])
def test_no_more_go_through_at_once_than_there_is_room_for(monkeypatch, free, samples):
    monkeypatch.setattr(machine, "free_memory_mb", lambda: (free + 0.01) * OVER / PART)
    x = torch.zeros(2, 125_000)  # kept as the input and as ReLU's output
    assert fitting(Copying(), [x], 64, precision=nullcontext) == samples


def test_a_training_takes_as_many_parts_as_it_needs(digits, teacher, monkeypatch):
    monkeypatch.setattr(machine, "free_memory_mb", lambda: 0.0)
    recipe = Recipe(batch=64, norm_batches=2)
    done = distil(net(1), teacher, digits["train"], recipe=recipe, epochs=0.1)
    assert done.micro_batch == 2
    assert done.reason is None


def test_two_samples_that_do_not_fit_are_said():
    class Huge(nn.Module):
        def forward(self, x):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    with pytest.raises(UnsupportedError, match="out of memory with two samples"):
        fitting(Huge(), [torch.zeros(2, 3)], 64, precision=nullcontext)
