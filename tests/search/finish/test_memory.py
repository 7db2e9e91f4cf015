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


@pytest.mark.parametrize(("free", "samples"), [(1e9, 64), (20.0, 20), (0.1, 1)])
def test_no_more_go_through_at_once_than_there_is_room_for(monkeypatch, free, samples):
    """A sample keeps 1 MB, training takes half as much again."""
    monkeypatch.setattr(machine, "free_memory_mb", lambda: free * OVER / PART)
    module = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    x = torch.zeros(1, 125_000, 1)  # kept as the input and as ReLU's output
    assert fitting(module, [x], 64, precision=nullcontext) == samples


def test_a_training_takes_as_many_parts_as_it_needs(digits, teacher, monkeypatch):
    monkeypatch.setattr(machine, "free_memory_mb", lambda: 0.0)
    recipe = Recipe(batch=64, norm_batches=2)
    done = distil(net(1), teacher, digits["train"], recipe=recipe, epochs=0.1)
    assert done.micro_batch == 2
    assert done.reason is None


def test_one_sample_that_does_not_fit_is_said():
    class Huge(nn.Module):
        def forward(self, x):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    with pytest.raises(UnsupportedError, match="out of memory with a single sample"):
        fitting(Huge(), [torch.zeros(1, 3)], 64, precision=nullcontext)
