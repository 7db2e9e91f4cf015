from __future__ import annotations

import torch

from tests.search.operators.nets import case


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
