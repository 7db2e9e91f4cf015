from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.search.blocks import EXAMPLES, find
from paretune.search.blocks._trace import gates, trace
from paretune.search.network.compose import compose
from tests.search.operators.nets import PlainBlock, answer, case, copied, timm_case

NETWORKS = ("digits", "plain", "hf-resnet", "hf-efficientnet", "hf-bert", "lite0")


@pytest.mark.parametrize("name", NETWORKS)
def test_copies_in_every_place_change_nothing(name: str) -> None:
    found = case(name)
    pieces = {(b.index, b.index): copied(found.site(b.index).module) for b in found.blocks}
    composed = compose(found.module, found.blocks, pieces)
    wanted = answer(found.module, found.inputs)
    assert (answer(composed, found.inputs) - wanted).abs().max() <= 1e-5


@pytest.mark.timm
@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "resnet50",
        "efficientnet_b0",
        "efficientnet_b1",
        "efficientnet_b2",
        "efficientnet_b3",
        "mobilenetv2_100",
        "mobilenetv3_large_100",
        "regnety_004",
        "convnext_atto",
    ],
)
def test_copies_change_nothing_in_timm(name: str) -> None:
    found = timm_case(name, samples=2)
    pieces = {(b.index, b.index): copied(found.site(b.index).module) for b in found.blocks}
    composed = compose(found.module, found.blocks, pieces)
    wanted = answer(found.module, found.inputs)
    assert (answer(composed, found.inputs) - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_residual_blocks_are_found_whole_with_stem_and_head() -> None:
    kinds = [block.kind for block in case("plain").blocks]
    assert kinds == ["Conv2d+BatchNorm2d", *["PlainBlock"] * 9, "Linear"]
    assert [b.kind for b in case("digits").blocks][1:-1] == ["_Block"] * 6


def test_shapes_costs_and_neighbours() -> None:
    blocks = case("plain").blocks
    third = blocks[4]
    assert (third.input_shape, third.output_shape) == ((16, 16, 16), (32, 8, 8))
    assert third.macs == 32 * 64 * 9 * 16 + 32 * 64 * 9 * 32
    assert third.params == 9 * 16 * 32 + 9 * 32 * 32 + 4 * 32
    assert [b.follows for b in blocks] == [False, False, *[True] * 8, False]


def test_layers_of_a_transformer_take_a_mask_besides() -> None:
    blocks = case("hf-bert").blocks
    assert [b.kind for b in blocks][:3] == ["BertLayer"] * 3
    flow = case("hf-bert").site(1).flow
    assert flow.x.shape == (8, 16, 64)
    assert any(isinstance(x, torch.Tensor) for x in (*flow.extras, *flow.named.values()))


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.up(self.down(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Twice(nn.Module):
    """The same block at two places, and one that is called by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.once, self.again = PlainBlock(8, 8, 1), PlainBlock(8, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.again(self.again(self.once(x)))


class Separable(nn.Module):
    """A chain, but for its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.gate, self.two = nn.Conv2d(3, 8, 3), Gate(8), nn.Conv2d(8, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.gate(self.one(x).relu()))


def test_a_gate_is_part_of_what_it_stands_in() -> None:
    net = nn.Sequential(Separable(), PlainBlock(8, 8, 1)).eval()
    x = torch.randn(2, 3, 8, 8)
    assert [b.kind for b in find(net, (x,))] == ["Separable", "PlainBlock"]
    calls = trace(net, (x,))
    assert gates(calls["0.gate"][0])
    assert not gates(calls["1"][0])


def test_what_is_called_twice_is_no_block() -> None:
    blocks = find(Twice().eval(), (torch.randn(2, 8, 8, 8),))
    assert [b.members for b in blocks] == [("once",)]


class Frames(nn.Module):
    """Clips of four frames, which are rows of the batch inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.head = PlainBlock(3, 8, 1), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.each(x.flatten(0, 1)).mean((2, 3))
        return self.head(made.unflatten(0, (-1, 4)).mean(1))


def test_what_has_no_row_a_sample_is_no_block() -> None:
    blocks = find(Frames().eval(), (torch.randn(EXAMPLES, 4, 3, 8, 8),))
    assert [b.members for b in blocks] == [("head",)]


def test_a_trace_leaves_the_network_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
    net[0].weight.requires_grad_(False)
    find(net, (torch.randn(2, 3, 8, 8),))
    assert [p.requires_grad for p in net.parameters()] == [False, True, True, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_no_block_is_told_in_one_sentence() -> None:
    with pytest.raises(InputError, match="nothing that a search could replace"):
        find(nn.Sequential(nn.ReLU()), (torch.randn(2, 3),))


def test_a_failing_network_is_told_in_one_sentence() -> None:
    with pytest.raises(InputError, match="fails when it is run on an example"):
        find(nn.Linear(3, 4), (torch.randn(2, 5),))


class Keeping(nn.Module):
    """Keeps, in eval mode, what it makes of its weights, as LeViT does."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.bias, self.kept = nn.Linear(8, 8), nn.Parameter(torch.rand(8)), None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kept is None:
            self.kept = 2 * self.bias
        return x + self.linear(x) + self.kept


def test_what_a_module_keeps_of_a_pass_has_no_gradient() -> None:
    net = nn.Sequential(Keeping(), Keeping()).eval()
    assert len(find(net, (torch.randn(5, 8),))) == 2
    copy.deepcopy(net)
    assert net[0].kept is None
