from __future__ import annotations

import torch
from torch import nn

from paretune.search.blocks import find
from paretune.search.network.site import flows
from tests.search.operators.nets import PlainBlock, case


def test_a_site_gives_what_flowed_there() -> None:
    for name in ("plain", "hf-bert"):
        found = case(name)
        site = found.site(0 if name == "hf-bert" else 1, 2)
        with torch.no_grad():
            made = site.module(site.flow.x, *site.flow.extras, **site.flow.named)
        assert torch.allclose(made, site.flow.y, atol=1e-5)


def test_its_ends_are_those_of_its_blocks() -> None:
    site = case("plain").site(3, 5)
    assert (site.input_shape, site.output_shape) == ((16, 16, 16), (32, 8, 8))
    assert site.is_image
    assert not case("hf-bert").site(0).is_image


def test_a_run_comes_apart() -> None:
    site = case("plain").site(1, 3)
    x = site.flow.x
    with torch.no_grad():
        for one in site.module.apart():
            x = one(x)
    assert torch.allclose(x, site.flow.y, atol=1e-5)


def test_what_follows_a_block_in_place_does_not_change_what_it_gave() -> None:
    class Placed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.blocks = nn.Sequential(*(PlainBlock(8, 8, 1) for _ in range(3)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            x += 5.0
            return self.blocks(x).relu_().mean(dim=(2, 3))

    torch.manual_seed(0)
    module, x = Placed().eval(), torch.randn(4, 3, 8, 8)
    blocks = find(module, (x,))
    found = dict(
        zip([block.members[-1] for block in blocks], flows(module, blocks, (x,)), strict=True)
    )
    with torch.no_grad():
        for name, flow in found.items():
            made = module.get_submodule(name)(flow.x)
            assert torch.allclose(made, flow.y, atol=1e-5), name
    assert "stem" in found
