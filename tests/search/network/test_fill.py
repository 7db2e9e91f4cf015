"""Weights that come into a network that has been run."""

import torch
from torch import nn

from paretune.search.network.fill import fill
from tests.search.keeping import Keeping


def test_what_was_kept_of_other_weights_is_gone():
    module, x = Keeping(nn.Linear(4, 10)), torch.randn(2, 4)
    module.eval()
    with torch.no_grad():
        module(x)
        state = {name: torch.ones_like(x) for name, x in module.state_dict().items()}
        fill(module, state)
        assert torch.allclose(module(x), x.sum(1, keepdim=True) + 1 + 2)


def test_a_bias_comes_and_goes_with_the_weights():
    bare, biased = nn.Linear(4, 3, bias=False), nn.Linear(4, 3)
    weights, state = dict(bare.state_dict()), dict(biased.state_dict())
    fill(bare, state)
    assert torch.equal(bare.bias, biased.bias)
    fill(biased, weights)
    assert biased.bias is None
