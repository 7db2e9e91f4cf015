"""Networks in which something besides the next block reads what a block gave."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from paretune.search.network.compose import compose
from paretune.search.proposals import Proposals, merges
from tests.search.operators.nets import Case, PlainBlock, answer, case_of, copied, settled


class Encoder(nn.Module):
    """Gives two stages and what the stem's activation gave, before it is pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)
        self.stage1 = nn.Sequential(PlainBlock(8, 8, 1), PlainBlock(8, 8, 1))
        self.stage2 = nn.Sequential(PlainBlock(8, 16, 2), PlainBlock(16, 16, 1))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        stem = self.relu(self.bn(self.conv(x)))
        first = self.stage1(self.pool(stem))
        return [stem, first, self.stage2(first)]


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.up = nn.Upsample(scale_factor=2)
        self.middle = nn.Conv2d(16 + 8, 8, 3, padding=1)
        self.head = nn.Conv2d(8 + 8, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem, first, second = self.encoder(x)
        x = self.middle(torch.cat([self.up(second), first], dim=1)).relu()
        return self.head(torch.cat([self.up(x), stem], dim=1))


def unet() -> Case:
    torch.manual_seed(0)
    x = torch.randn(8, 3, 16, 16)
    return case_of(settled(UNet(), x), (x,))


def test_no_block_and_no_merge_spans_what_a_decoder_reads() -> None:
    blocks = unet().blocks
    assert [b.members for b in blocks] == [
        ("encoder.conv", "encoder.bn", "encoder.relu"),
        *((f"encoder.stage{stage}.{i}",) for stage in (1, 2) for i in (0, 1)),
        ("middle",),
        ("head",),
    ]
    assert [b.follows for b in blocks] == [False, False, True, False, True, False, False]
    assert merges(blocks) == [(1, 2), (3, 4)]


def test_networks_composed_around_taps_give_what_they_should() -> None:
    found = unet()
    wanted = answer(found.module, found.inputs)
    copies = {(b.index, b.index): copied(found.site(b.index).module) for b in found.blocks}
    composed = compose(found.module, found.blocks, copies)
    assert torch.allclose(answer(composed, found.inputs), wanted, atol=1e-5)
    proposals = Proposals(
        found.module, found.blocks, found.flowing, using=("skip", "basic", "bottleneck")
    )
    changed = [option for option in proposals.space.options if option.operator != "keep"]
    assert {(o.first, o.last) for o in changed} >= {(1, 1), (1, 2), (3, 4), (4, 4)}
    for option in changed:
        piece = proposals.build(option, seed=0)
        composed = compose(found.module, found.blocks, {(option.first, option.last): piece})
        assert answer(composed, found.inputs).shape == wanted.shape, option.id


class Row(nn.Module):
    """Two convolutions with an activation between; a subclass has one more reader of it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.act, self.two = nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1)
        self.other = nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.two(self.act(self.one(x)))


class Given(Row):
    def forward(self, x: torch.Tensor) -> Any:
        y = self.one(x)
        return self.two(self.act(y)), y


class Unused(Row):
    """Its second head runs, so that it must not fail, but gives nothing to the output."""

    def forward(self, x: torch.Tensor) -> Any:
        y = self.act(self.one(x))
        self.other(y)
        return self.two(y)


@pytest.mark.parametrize(
    ("net", "members", "follows"),
    [
        (Row, [("one", "act"), ("two",)], [False, True]),
        (Given, [("one",), ("act", "two")], [False, False]),
        (Unused, [("one", "act"), ("other",), ("two",)], [False, False, False]),
    ],
)
def test_who_else_reads_a_tensor_ends_a_run(
    net: type[nn.Module], members: list[tuple[str, ...]], follows: list[bool]
) -> None:
    blocks = case_of(net().eval(), (torch.randn(5, 3, 4, 4),)).blocks
    assert [b.members for b in blocks] == members
    assert [b.follows for b in blocks] == follows
