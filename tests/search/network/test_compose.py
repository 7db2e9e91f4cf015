from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from paretune.search.network.compose import compose
from paretune.search.network.seat import Pass, Seat, wrapped
from tests.search.operators.nets import answer, case, case_of


def test_a_run_is_replaced_by_one_piece() -> None:
    found = case("plain")
    composed = compose(found.module, found.blocks, {(1, 3): nn.Identity()})
    kinds = [type(block) for block in composed.layers[:3]]
    assert kinds == [Seat, Pass, Pass]
    skipped = nn.Sequential(*list(found.module.layers)[3:])
    x = torch.relu(found.module.bn1(found.module.conv1(found.inputs[0])))
    wanted = found.module.linear(skipped(x).mean((2, 3)))
    assert torch.allclose(answer(composed, found.inputs), wanted, atol=1e-5)


def test_pieces_and_baseline_are_copied() -> None:
    found = case("digits")
    piece = nn.Conv2d(32, 32, 1)
    composed = compose(found.module, found.blocks, {(1, 1): piece})
    with torch.no_grad():
        for parameter in composed.parameters():
            parameter.zero_()
    assert piece.weight.abs().sum() > 0
    assert answer(found.module, found.inputs).abs().sum() > 0


def test_a_block_of_several_members_is_replaced_as_one() -> None:
    found = case("digits")
    stem = found.blocks[0]
    assert len(stem.members) > 1
    composed = compose(found.module, found.blocks, {(0, 0): nn.Conv2d(1, 32, 3, padding=1)})
    assert answer(composed, found.inputs).shape == (8, 10)


def test_a_mask_reaches_only_a_piece_that_asks_for_it() -> None:
    found = case("hf-bert")
    kept = found.site(0).module
    gone = {(1, 1): nn.Identity(), (2, 2): nn.Identity()}
    composed = compose(found.module, found.blocks, {(0, 0): kept} | gone)
    bert = found.module.bert
    words, mask = found.inputs
    other = torch.cat([mask[4:], mask[:4]])
    same = answer(composed, (words, mask))
    assert not torch.allclose(same, answer(composed, (words, other)))
    assert bert.encoder.layer[1] is not composed.bert.encoder.layer[1]


def test_a_tensor_goes_where_the_network_looks_for_it() -> None:
    x = torch.ones(1)
    assert wrapped(x, -1) is x
    assert wrapped(x, 1)[0] is None
    assert wrapped(x, 1)[1] is x


def test_plain_values_stay_beside_it() -> None:
    x = torch.ones(1)
    assert wrapped(x, 0, (None, (4, 8), None)) == (x, (4, 8), None)
    assert wrapped(x, 1, (7, None)) == (7, x)


def test_sizes_that_go_with_a_map_reach_whoever_asks_for_them() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.SwinConfig(
        image_size=32, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4,
        num_labels=5,
    )  # fmt: skip
    torch.manual_seed(0)
    swin = transformers.SwinForImageClassification(config).eval()
    found = case_of(swin, (torch.randn(8, 3, 32, 32),))
    wanted = answer(found.module, found.inputs)
    beside = [block.beside for block in found.blocks if any(block.beside)]
    assert (None, (16, 16)) in beside
    for block in found.blocks:
        piece = found.site(block.index).module
        composed = compose(found.module, found.blocks, {(block.index, block.index): piece})
        assert torch.allclose(answer(composed, found.inputs), wanted, atol=1e-5), block.name


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1))


def test_a_network_that_asks_its_layers_for_settings_gets_them() -> None:
    torch.manual_seed(0)
    found = case_of(Reader().eval(), (torch.randn(8, 5, 16),))
    composed = compose(found.module, found.blocks, {(0, 0): nn.Identity()})
    assert answer(composed, found.inputs).shape == (8, 3)
    seat = composed.encoder.layers[0]
    assert isinstance(seat, Seat)
    assert seat.self_attn.num_heads == 2
    assert not list(seat.parameters())
    assert [name for name, _ in seat.named_modules()] == ["", "module"]
    again = pickle.loads(pickle.dumps(copy.deepcopy(composed)))
    assert again.encoder.layers[0].self_attn.in_proj_weight.device.type == "meta"


def test_a_block_with_two_names_is_replaced_under_both_and_never_shared() -> None:
    found = case("plain")
    found.module.target_layer = found.module.layers[1]  # as tools that explain networks keep one
    composed = compose(found.module, found.blocks, {(1, 3): nn.Identity()})
    assert composed.target_layer is composed.layers[0] or isinstance(composed.target_layer, Pass)
    ours = {id(module) for module in found.module.modules()}
    assert not ours & {id(module) for module in composed.modules()}
