from __future__ import annotations

import torch
from torch import nn

from paretune.search.operators import get
from tests.search.operators.nets import answer, case, case_of


def layers(module: nn.Module) -> list[tuple[int, int]]:
    return [
        (m.weight.shape[1], m.weight.shape[0])
        for m in module.modules()
        if isinstance(m, nn.Conv2d | nn.Linear)
    ]


def test_a_stem_becomes_two() -> None:
    site = case("plain").site(0)
    operator = get("low-rank")
    # 3x3 of 3 channels into 16: full rank 16; rank 8 takes 8 * (27 + 16) products a pixel.
    assert list(operator.propose(site)) == [{"rank": 0.5}, {"rank": 0.25}]
    module = operator.build(site, {"rank": 0.5}, seed=0)
    assert layers(module) == [(3, 8), (8, 16)]


def test_it_is_best_where_the_inputs_are() -> None:
    torch.manual_seed(0)
    # Inputs lie in a plane: two directions are all that a layer needs.
    plane = torch.randn(2, 16)
    net = nn.Sequential(nn.Linear(16, 16)).eval()
    found = case_of(net, (torch.randn(512, 2) @ plane,))
    module = get("low-rank").build(found.site(0), {"rank": 0.25}, seed=0)
    assert layers(module) == [(16, 4), (4, 16)]
    u, s, v = torch.linalg.svd(net[0].weight.detach())
    blind = (u[:, :4] * s[:4]) @ v[:4]
    made = module(found.inputs[0])
    wanted = found.site(0).flow.y
    plain = found.inputs[0] @ blind.T + net[0].bias
    assert (made - wanted).square().mean() < 0.05 * (plain - wanted).square().mean()


def test_bias_and_stride_stay() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(8, 32, 3, stride=2, padding=1)).eval()
    net[0].weight.data[:, 4:] = 0
    net[0].weight.data[8:] = 0  # rank 8 of 32
    found = case_of(net, (torch.randn(4, 8, 12, 12),))
    module = get("low-rank").build(found.site(0), {"rank": 0.25}, seed=0)
    assert torch.allclose(module(found.inputs[0]), found.site(0).flow.y, atol=1e-4)


def test_only_where_it_takes_fewer_operations() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3)).eval()
    found = case_of(net, (torch.randn(8, 4),))
    assert [p["rank"] for p in get("low-rank").propose(found.site(0))] == [0.25]
    assert not list(get("low-rank").propose(case("plain").site(2)))


class Padding(nn.Module):
    """Pads as its layer's stride demands, as MobileNetV2 does for weights from TensorFlow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 32, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wanted = (self.conv.stride[0] - 1) // 2
        return self.conv(nn.functional.pad(x, (wanted, wanted + 1, wanted, wanted + 1)))


def test_a_layer_that_is_asked_for_its_stride_has_it_still() -> None:
    torch.manual_seed(0)
    found = case_of(nn.Sequential(Padding()).eval(), (torch.randn(8, 8, 16, 16),))
    module = get("low-rank").build(found.site(0), {"rank": 0.5}, seed=0)
    assert module(found.inputs[0]).shape == answer(found.module, found.inputs).shape
