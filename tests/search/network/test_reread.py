from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from paretune.search.network.reread import inputs_of, reread


def error(module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        return float((module(x) - y).square().mean())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 5, 3, stride=2, padding=1, bias=False),
        nn.Conv2d(6, 5, 5, padding=2),
        nn.Conv2d(6, 5, 1),
        nn.Conv2d(6, 5, 2, stride=2),
        nn.Conv2d(6, 5, 3, padding=2, dilation=2),
    ],
    ids=str,
)
def test_the_reader_of_something_linear_is_put_right_exactly(layer: nn.Conv2d) -> None:
    # What came before is turned by an invertible matrix: the reader can turn it back.
    torch.manual_seed(0)
    original = nn.Sequential(nn.Conv2d(6, 6, 1, bias=False), layer).eval()
    changed = copy.deepcopy(original)
    changed[0].weight.data += 0.3 * torch.randn_like(changed[0].weight)
    x = torch.randn(16, 6, 12, 12)
    with torch.no_grad():
        y = original(x)
    before = error(changed, x, y)
    kept = changed[0].weight.clone()
    reread(changed, original, x, y, seed=0)
    assert error(changed, x, y) < 0.02 * before
    # The first layer reads what it always read.
    assert torch.equal(changed[0].weight, kept)


def test_linear_layers_of_tokens() -> None:
    torch.manual_seed(0)
    original = nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)).eval()
    changed = nn.Sequential(original[0], nn.ReLU(), copy.deepcopy(original[2])).eval()
    x = torch.randn(8, 20, 6)
    with torch.no_grad():
        y = original(x)
    before = error(changed, x, y)
    reread(changed, original, x, y, seed=0)
    assert error(changed, x, y) < 0.8 * before


def test_channels_that_are_left_are_what_is_wanted() -> None:
    torch.manual_seed(0)
    original = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 8), nn.Linear(8, 3)).eval()
    changed = copy.deepcopy(original)
    kept = torch.tensor([0, 2, 5, 7])
    changed[0].weight.data *= 1.3
    for place, axis in ((2, 0), (3, 1)):
        layer = changed[place]
        layer.weight = nn.Parameter(layer.weight.data.index_select(axis, kept))
    changed[2].bias = nn.Parameter(changed[2].bias.data[kept])
    x = torch.randn(16, 30, 6)
    with torch.no_grad():
        y = original(x)
        before = error(changed, x, y)
        reread(changed, original, x, y, seed=0, kept={"2": kept})
        wanted = original[2](original[1](original[0](x)))[..., kept]
        assert torch.allclose(changed[2](changed[1](changed[0](x))), wanted, atol=0.3)
    assert error(changed, x, y) < before


def test_what_does_not_serve_is_taken_back() -> None:
    torch.manual_seed(0)
    original = nn.Sequential(nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)).eval()
    changed = copy.deepcopy(original)
    changed[0].weight.data += 0.1
    x = torch.randn(8, 6)
    with torch.no_grad():
        y = changed(x)  # as it is, it is already right
    before = {k: v.clone() for k, v in changed.state_dict().items()}
    reread(changed, original, x, y, seed=0)
    assert list(changed.state_dict()) == list(before)
    assert all(torch.equal(v, before[k]) for k, v in changed.state_dict().items())


def test_few_samples_are_left_alone() -> None:
    original = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6)).eval()
    changed = copy.deepcopy(original)
    changed[0].weight.data += 1
    before = changed[1].weight.clone()
    x = torch.randn(3, 6)
    reread(changed, original, x, original(x).detach(), seed=0)
    assert torch.equal(changed[1].weight, before)


def test_inputs_of_a_layer_are_its_patches() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 3, 3, padding=1)
    x = torch.randn(1, 2, 4, 4)
    rows = inputs_of(nn.Sequential(conv), conv, x, seed=0)
    assert rows.shape == (16, 18)
    made = rows @ conv.weight.flatten(1).T + conv.bias
    wanted = conv(x).flatten(2)[0].T
    assert torch.allclose(made.sort(0).values, wanted.sort(0).values, atol=1e-5)
