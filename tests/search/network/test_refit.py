from __future__ import annotations

import torch

from paretune.search.network.anatomy import anatomy
from paretune.search.network.inherit import inherit
from paretune.search.network.refit import refit
from paretune.search.network.residual import Layer, Residual
from tests.search.operators.nets import case


def narrow(site: object) -> Residual:
    torch.manual_seed(0)
    block = Residual([Layer(16, 8, 3), Layer(8, 16, 3, active=False)], active=True)
    read = anatomy(site.module, site.flow.x[:1])  # type: ignore[attr-defined]
    assert read is not None
    inherit(block, [read], site.flow.x, site.flow.y)  # type: ignore[attr-defined]
    return block.eval()


def test_a_fit_serves_inputs_that_it_has_not_seen() -> None:
    site = case("plain").site(2)
    block = narrow(site)
    half = len(site.flow.x) // 2
    x, y = site.flow.x[half:], site.flow.y[half:]
    with torch.no_grad():
        before = float((block(x) - y).square().mean())
        served = refit(block, site.flow.x, site.flow.y, seed=0)
        after = float((block.eval()(x) - y).square().mean())
    assert served
    assert after < before


def test_too_few_samples_are_left_alone() -> None:
    site = case("plain").site(2)
    block = narrow(site)
    weights = {k: v.clone() for k, v in block.state_dict().items()}
    assert not refit(block, site.flow.x[:3], site.flow.y[:3], seed=0)
    assert all(torch.equal(v, weights[k]) for k, v in block.state_dict().items())
