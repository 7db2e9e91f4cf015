from __future__ import annotations

import torch
from torch import nn

from paretune.search.network.pieces import Scale
from paretune.search.operators import get
from tests.search.operators.nets import Case, case, case_of


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.up(self.down(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Gated(nn.Module):
    """A residual block with a gate before its last convolution, or at its end."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(8, 16, 1), nn.Conv2d(16, 8, 1)
        self.gate = Gate(8 if last else 16)
        self.last = last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.one(x).relu()
        return x + (self.gate(self.two(y)) if self.last else self.two(self.gate(y)))


def gated(*, last: bool) -> Case:
    torch.manual_seed(0)
    net = nn.Sequential(Gated(last=last), Gated(last=last)).eval()
    return case_of(net, (torch.randn(8, 8, 6, 6),))


def kinds(module: nn.Module) -> set[type]:
    return {type(m) for m in module.modules()}


def test_the_constant_goes_into_the_convolution_that_follows() -> None:
    site = gated(last=False).site(0)
    module = get("ungated").build(site, {"activation": "kept"}, seed=0)
    assert not kinds(module) & {Gate, Scale}
    assert len([m for m in module.modules() if isinstance(m, nn.Conv2d)]) == 2


def test_it_stands_alone_where_none_follows() -> None:
    site = gated(last=True).site(0)
    module = get("ungated").build(site, {"activation": "kept"}, seed=0)
    assert Scale in kinds(module)
    assert Gate not in kinds(module)


def test_the_constant_is_the_best_one() -> None:
    from dataclasses import replace

    site = gated(last=True).site(0)
    whole = site.flow
    # Too few samples to set layers anew, so that the factor alone is left.
    site = replace(site, flow=replace(whole, x=whole.x[:2], y=whole.y[:2]))
    module = get("ungated").build(site, {"activation": "kept"}, seed=0)
    scale = next(m for m in module.modules() if isinstance(m, Scale))
    with torch.no_grad():
        best = (module(site.flow.x) - site.flow.y).square().mean()
        for factor in (0.9, 1.1):
            kept = scale.factor.clone()
            scale.factor *= factor
            assert (module(site.flow.x) - site.flow.y).square().mean() > best
            scale.factor.copy_(kept)


def test_both_at_once_where_activations_are_smooth() -> None:
    found = case("hf-efficientnet")
    site = next(s for s in found.sites() if s.first.index > 2)
    operator = get("ungated")
    assert list(operator.propose(site)) == [{"activation": "relu"}, {"activation": "kept"}]
    module = operator.build(site, {"activation": "relu"}, seed=0)
    names = {kind.__name__ for kind in kinds(module)}
    assert "SiLUActivation" not in names
    assert not any("Squeeze" in name for name in names)


def test_an_activation_that_multiplies_its_input_is_no_gate() -> None:
    class Swish(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * x.sigmoid()

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.act = nn.Conv2d(8, 8, 1), Swish()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.act(self.conv(x))

    found = case_of(nn.Sequential(Block(), Block()).eval(), (torch.randn(2, 8, 4, 4),))
    assert not list(get("ungated").propose(found.site(0)))
    assert list(get("activation").propose(found.site(0))) == [{}]


class Lasting(nn.Module):
    """A block of maps (n, h, w, c) whose channels a layer scales, as in many transformers."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.rand(8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.gamma

    def __init__(self) -> None:
        super().__init__()
        self.one, self.scale = nn.Linear(8, 8), self.Scaled()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.scale(self.one(x).relu())


def test_a_scale_of_channels_that_come_last_is_no_gate() -> None:
    torch.manual_seed(0)
    found = case_of(nn.Sequential(Lasting(), Lasting()).eval(), (torch.randn(8, 6, 6, 8),))
    assert not list(get("ungated").propose(found.site(0)))
