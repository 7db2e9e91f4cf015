from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.search.operators import get, operators
from tests.search.operators.nets import PlainBlock, case, case_of, copied


def test_operators_are_found_by_name() -> None:
    names = [operator.name for operator in operators()]
    assert len(set(names)) == len(names)
    assert all(get(name).name == name for name in names)
    with pytest.raises(InputError, match="unknown"):
        get("no such operator")


def test_a_block_is_skipped_where_its_shape_stays() -> None:
    found = case("plain")
    assert list(get("skip").propose(found.site(2))) == [{}]
    assert not list(get("skip").propose(found.site(4)))  # it halves the image
    assert not list(get("skip").propose(found.site(1, 3)))


def test_several_blocks_become_one_of_their_shape() -> None:
    site = case("plain").site(4, 6)
    operator = get("basic")
    params = next(iter(operator.propose(site)))
    module = operator.build(site, params, seed=0)
    made = module(site.flow.x)
    assert made.shape == site.flow.y.shape
    convs = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    assert sum(m.stride == (2, 2) for m in convs) == 2  # branch and shortcut


def test_a_merged_block_starts_nearer_than_no_block() -> None:
    # Residual blocks add up where each changes little, as those of trained networks do.
    network = copied(case("plain").module)
    with torch.no_grad():
        for block in network.layers:
            block.bn2.weight *= 0.2
            block.bn2.bias.zero_()
    site = case_of(network, case("plain").inputs).site(2, 3)
    params = next(iter(get("basic").propose(site)))
    module = get("basic").build(site, params, seed=0)
    made, wanted = module(site.flow.x), site.flow.y
    assert (made - wanted).square().mean() < (site.flow.x - wanted).square().mean()


def test_tokens_are_not_its_business() -> None:
    found = case("hf-bert")
    for name in ("basic", "bottleneck", "depthwise", "fused"):
        assert not list(get(name).propose(found.site(1)))


def test_a_stem_on_raw_pixels_is_left() -> None:
    assert not list(get("basic").propose(case("plain").site(0)))


def test_the_seed_decides_what_is_random() -> None:
    site = case("plain").site(2)
    params = next(iter(get("bottleneck").propose(site)))
    first, again, other = (
        get("bottleneck").build(site, params, seed=seed).branch[0].conv.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


class Told(nn.Module):
    """A network whose blocks are passed a number that they need."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.layers = nn.ModuleList(Scaled() for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x, 0.5)
        return x.mean(dim=(2, 3))


class Scaled(PlainBlock):
    def __init__(self) -> None:
        super().__init__(8, 8, 1)

    def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
        return torch.relu(x + scale * self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


def test_blocks_that_are_passed_more_than_a_tensor() -> None:
    torch.manual_seed(0)
    found = case_of(Told().eval(), (torch.randn(8, 3, 8, 8),))
    site = next(found.site(b.index) for b in found.blocks if b.members[0].startswith("layers"))
    params = next(iter(get("basic").propose(site)))
    made = get("basic").build(site, params, seed=0)(site.flow.x)
    assert made.shape == site.flow.y.shape
    assert (made - site.flow.y).square().mean() < site.flow.y.var()
