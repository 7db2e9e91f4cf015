from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.search.operators import get
from paretune.search.operators._activation import smooth
from tests.search.operators.nets import case, case_of


class Squeezed(nn.Module):
    """What transformers and timm write themselves."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


DEAR = [nn.SiLU(), nn.GELU(), nn.GELU("tanh"), nn.Hardswish(), nn.Mish(), nn.ELU(), Squeezed()]
CHEAP = [
    nn.ReLU(),
    nn.ReLU6(),
    nn.LeakyReLU(),
    nn.Identity(),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Dropout(),
    nn.Softmax(dim=1),
    nn.AvgPool2d(3, 1, 1),
]


@pytest.mark.parametrize("module", [*DEAR, nn.SiLU(inplace=True)], ids=str)
def test_a_smooth_activation_is_known_by_what_it_computes(module: nn.Module) -> None:
    x = torch.randn(1, 3, 4, 4)
    assert smooth(nn.Sequential(nn.Conv2d(3, 3, 1), module).eval(), x) == [module]


@pytest.mark.parametrize("module", CHEAP, ids=str)
def test_what_is_cheap_or_none_is_left(module: nn.Module) -> None:
    x = torch.randn(1, 3, 4, 4)
    assert not smooth(nn.Sequential(nn.Conv2d(3, 3, 1), module).eval(), x)


def test_every_activation_of_hugging_face() -> None:
    from transformers.activations import ACT2FN

    x = torch.randn(2, 5, 8)
    names = ("gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "quick_gelu", "silu", "mish")
    for name in names:
        made = ACT2FN[name]
        assert smooth(nn.Sequential(nn.Linear(8, 8), made).eval(), x) == [made], name


def test_one_that_is_called_twice_is_replaced_at_both_places() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.act = self.other = nn.SiLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.two(self.other(self.one(self.act(x))))

    torch.manual_seed(0)
    net = nn.Sequential(Shared(), Shared()).eval()
    found = case_of(net, (torch.randn(4, 8, 6, 6),))
    module = get("activation").build(found.site(0), {}, seed=0)
    kinds = {type(m) for m in module.modules()}
    assert nn.ReLU in kinds
    assert nn.SiLU not in kinds
    assert type(net[0].act) is nn.SiLU


def test_layers_behind_it_are_set_anew() -> None:
    found = case("hf-efficientnet")
    site = next(s for s in found.sites() if s.first.index > 2)
    operator = get("activation")
    made = operator.build(site, {}, seed=0)(site.flow.x)
    plain = operator.build(_few(site), {}, seed=0)(site.flow.x)
    wanted = site.flow.y
    assert (made - wanted).square().mean() < 0.7 * (plain - wanted).square().mean()


def _few(site: object) -> object:
    """The site with too few samples to set anything anew."""
    from dataclasses import replace

    flow = site.flow  # type: ignore[attr-defined]
    return replace(site, flow=replace(flow, x=flow.x[:2], y=flow.y[:2]))  # type: ignore[type-var]


class Masked(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (x * mask).softmax(dim=-1)


class Paired(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        return x.sigmoid(), None


class Folding(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(2, 5, 8)


def test_what_cannot_be_tried_on_numbers_alone_is_none() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.masked, self.paired, self.folding = Masked(), Paired(), Folding()
            self.dear = nn.SiLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.masked(x, torch.ones(1))
            x, _ = self.paired(x)
            return self.dear(self.folding(x))

    block = Block()
    assert smooth(block, torch.randn(2, 5, 8)) == [block.dear]
