from __future__ import annotations

import torch

from paretune.search.network.anatomy import anatomy
from paretune.search.network.inherit import inherit, settle
from paretune.search.network.residual import Layer, Residual
from tests.search.operators.nets import PlainBlock, case, settled


def test_a_block_of_the_same_design_is_inherited_exactly() -> None:
    site = case("plain").site(2)
    read = anatomy(site.module, site.flow.x[:1])
    assert read is not None
    block = Residual([Layer(16, 16, 3), Layer(16, 16, 3, active=False)], active=True)
    inherit(block, [read], site.flow.x, site.flow.y)
    made = block.eval()(site.flow.x)
    assert torch.allclose(made, site.flow.y, atol=1e-3)
    # In training mode it computes the same: statistics are those of these very inputs.
    assert torch.allclose(block.train()(site.flow.x), site.flow.y, atol=1e-3)


def test_fewer_channels_keep_the_important_ones() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 8, 8, 8)
    whole = PlainBlock(8, 8, 1)
    with torch.no_grad():
        whole.conv1.weight[4:] *= 1e-3  # the later half hardly matters
        whole.conv2.weight[:, 4:] *= 1e-3
    whole = settled(whole, x)
    whole.bn1.weight.data[4:] *= 1e-3
    whole.bn1.bias.data[4:] = 0
    read = anatomy(whole, x[:1])
    assert read is not None
    block = Residual([Layer(8, 4, 3), Layer(4, 8, 3, active=False)], active=True)
    y = whole(x)
    inherit(block, [read], x, y)
    assert (block.eval()(x) - y).square().mean() < 1e-3 * y.var()


def test_settling_changes_statistics_and_not_the_function() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 8, 6, 6) * 3 + 1
    block = Residual([Layer(8, 8, 3), Layer(8, 8, 3, active=False)], active=False).eval()
    torch.nn.init.ones_(block.branch[-1].norm.weight)
    with torch.no_grad():
        before = block(x)
        settle(block, x)
        assert torch.allclose(block(x), before, rtol=1e-3, atol=1e-3)
        assert torch.allclose(block.train()(x), before, rtol=1e-3, atol=1e-3)


def test_groups_of_several_channels_are_no_familys_layers() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 8, 6, 6)
    layers = [Layer(8, 16, 1), Layer(16, 16, 3, groups=4), Layer(16, 8, 1, active=False)]
    grouped = settled(Residual(layers, active=True), x)
    read = anatomy(grouped, x[:1])
    assert read is not None
    wide = [Layer(8, 16, 1), Layer(16, 16, 3, groups=16), Layer(16, 8, 1, active=False)]
    fused = [Layer(8, 16, 3), Layer(16, 8, 1, active=False)]
    for own in (wide, fused):
        block = Residual(own, active=True)
        with torch.no_grad():
            inherit(block, [read], x, grouped(x))
            assert torch.isfinite(block.eval()(x)).all()
