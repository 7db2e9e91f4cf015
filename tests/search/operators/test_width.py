from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.search.operators import get
from tests.search.operators.nets import case, case_of, copied, settled


class Grouped(nn.Module):
    """As a RegNet's block: 1x1, 3x3 in groups of 8, 1x1."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(16, 32, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.two = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1, groups=4), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.three = nn.Conv2d(32, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.three(self.two(self.one(x)))


class Normed(nn.Module):
    """Hidden channels that a LayerNorm mixes: cutting some changes the others."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(16, 64), nn.LayerNorm(64), nn.Linear(64, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.two(self.norm(self.one(x)).relu())


class Tempered(Normed):
    """Hidden channels that a parameter of the block's own scales, as ConvNeXt V2's."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.scale = nn.Identity(), nn.Parameter(torch.rand(64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.two(self.scale * self.one(x) / (1 + self.one(x).abs()))


def convolutions(module: nn.Module) -> list[tuple[int, int, int]]:
    return [
        (m.in_channels, m.out_channels, m.groups)
        for m in module.modules()
        if isinstance(m, nn.Conv2d)
    ]


def test_hidden_channels_of_a_basic_block() -> None:
    site = case("plain").site(2)
    operator = get("width")
    assert list(operator.propose(site)) == [{"width": 0.5}]  # of 16, the rest rounds to 16 or 8
    module = operator.build(site, {"width": 0.5}, seed=0)
    assert convolutions(module) == [(16, 8, 1), (8, 16, 1)]


def test_all_four_shares_where_there_is_room() -> None:
    proposed = list(get("width").propose(case("plain").site(8)))
    assert [p["width"] for p in proposed] == [0.75, 0.5, 0.35, 0.25]


def test_a_depthwise_block_keeps_its_gate() -> None:
    found = case("hf-efficientnet")
    site = next(s for s in found.sites() if s.first.index > 2)
    module = get("width").build(site, {"width": 0.5}, seed=0)
    before, after = convolutions(site.module), convolutions(module)
    assert len(before) == len(after) == 5
    expanded, left = before[0][1], after[0][1]
    assert left == int(expanded / 16 + 0.5) * 8
    assert after[1] == (left, left, left)
    assert after[2] == (left, before[2][1], 1)  # its squeeze stays
    assert after[4] == (left, before[4][1], 1)


def test_a_grouped_convolution_loses_whole_groups() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 16, 8, 8)
    found = case_of(settled(nn.Sequential(Grouped(), Grouped()), x), (x,))
    operator = get("width")
    assert [p["width"] for p in operator.propose(found.site(0))] == [0.75, 0.5, 0.35]
    module = operator.build(found.site(0), {"width": 0.5}, seed=0)
    assert convolutions(module) == [(16, 16, 1), (16, 16, 2), (16, 16, 1)]


def test_what_is_kept_is_what_matters() -> None:
    network = copied(case("plain").module)
    block = network.layers[7]
    with torch.no_grad():
        block.conv2.weight[:, ::2] *= 0.01  # loud as they may be, hardly anybody listens
    site = case_of(network, tuple(x[:2] for x in case("plain").inputs)).site(8)
    module = get("width").build(site, {"width": 0.5}, seed=0)
    first = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
    hidden = torch.relu(block.bn1(block.conv1(site.flow.x)))
    weight = block.conv2.weight.transpose(0, 1).flatten(1).square().sum(1)
    worth = hidden.square().mean((0, 2, 3)) * weight
    kept = worth.topk(32).indices.sort().values
    assert torch.equal(first.weight, block.conv1.weight[kept])


@pytest.mark.parametrize("kind", [Normed, Tempered])
def test_hidden_channels_that_cannot_be_cut_are_left(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    found = case_of(nn.Sequential(kind(), kind()).eval(), (torch.randn(4, 6, 16),))
    assert not list(get("width").propose(found.site(0)))


class Pooled(nn.Module):
    """A short set of hidden channels that cannot be cut beside a long one that can."""

    def __init__(self) -> None:
        super().__init__()
        self.short, self.norm, self.up = nn.Linear(16, 8), nn.LayerNorm(8), nn.Linear(8, 16)
        self.one, self.two = nn.Linear(16, 64), nn.Linear(64, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.up(self.norm(self.short(x)))
        return x + self.two(self.one(x).relu())


def test_each_set_is_tried_before_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paretune.search.operators._width.ROUND", 4)
    torch.manual_seed(0)
    found = case_of(nn.Sequential(Pooled(), Pooled()).eval(), (torch.randn(4, 6, 16),))
    # Of eight channels three quarters are rounded to all, and a half would be mixed otherwise.
    assert [p["width"] for p in get("width").propose(found.site(0))] == [0.75]


def test_attention_is_not_its_business() -> None:
    site = case("hf-bert").site(1)
    operator = get("width")
    assert [p["width"] for p in operator.propose(site)] == [0.75, 0.5, 0.25, 0.12]
    module = operator.build(site, {"width": 0.25}, seed=0)
    sizes = [m.out_features for m in module.modules() if isinstance(m, nn.Linear)]
    assert sizes == [64, 64, 64, 64, 64, 64]
    assert [m.in_features for m in module.modules() if isinstance(m, nn.Linear)] == [64] * 6


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from paretune.core import MissingPackageError

    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        list(get("width").propose(case("plain").site(2)))
