from __future__ import annotations

import torch
from torch import nn

from paretune.search.network.anatomy import anatomy
from tests.search.operators.nets import PlainBlock, case, settled


def test_a_branch_with_its_norms_folded_computes_the_same() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8, 8, 8)
    block = settled(PlainBlock(8, 8, 1), x)
    read = anatomy(block, x[:1])
    assert read is not None
    first, second = read.branch
    hidden = torch.relu(nn.functional.conv2d(x, first.weight, first.bias, 1, 1))
    made = nn.functional.conv2d(hidden, second.weight, second.bias, 1, 1)
    assert torch.allclose(torch.relu(made + x), block(x), atol=1e-4)


def test_a_projected_shortcut_is_told_apart() -> None:
    site = case("digits").site(3)
    read = anatomy(site.module, site.flow.x[:1])
    assert read is not None
    assert [folded.kernel for folded in read.branch] == [3, 3]
    assert read.shortcut is not None
    assert read.shortcut.kernel == 1
    assert read.shortcut.stride == 2


def test_gates_are_left_out() -> None:
    site = next(s for s in case("hf-efficientnet").sites() if s.first.index > 2)
    read = anatomy(site.module, site.flow.x[:1])
    assert read is not None
    assert [folded.depthwise for folded in read.branch] == [False, True, False]


def test_what_is_no_chain_has_none() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.end = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.end(self.one(x) + self.two(x))

    assert anatomy(Fork(), torch.randn(1, 8, 8, 8)) is None
