from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.search.network.layout import is_image
from paretune.search.operators import get
from tests.search.operators.nets import Case, case_of, settled

FAMILIES = ("basic", "bottleneck", "depthwise", "fused")


class Last(nn.Module):
    """A residual block on (n, H, W, C), as Swin's are: no layer in it knows of images."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.up, self.down = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(self.up(self.norm(x)).relu())


class Turned(nn.Module):
    """A residual block on (n, H, W, C) that turns it into an image for one convolution inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm, self.mix = nn.LayerNorm(channels), nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + self.mix(self.norm(y))


class First(nn.Module):
    """A residual block on (n, C, H, W) that turns it round for one linear layer inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm, self.mix = nn.LayerNorm(channels), nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x).permute(0, 2, 3, 1)
        return x + self.mix(self.norm(y)).permute(0, 3, 1, 2)


class Pyramid(nn.Module):
    def __init__(self, kind: type[nn.Module], channels: int) -> None:
        super().__init__()
        self.last = kind is not First
        self.stem = nn.Conv2d(3, channels, 2, 2)
        self.layers = nn.Sequential(*(kind(channels) for _ in range(3)))
        self.head = nn.Linear(channels, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.layers(x.permute(0, 2, 3, 1) if self.last else x)
        return self.head(x.mean((1, 2) if self.last else (2, 3)))


def pyramid(kind: type[nn.Module], channels: int) -> Case:
    torch.manual_seed(0)
    x = torch.randn(4, 3, 16, 16)
    return case_of(settled(Pyramid(kind, channels), x), (x,))


@pytest.mark.parametrize(("kind", "channels"), [(Last, 16), (Last, 8), (Turned, 16)])
def test_what_has_its_channels_last_is_no_image(kind: type[nn.Module], channels: int) -> None:
    found = pyramid(kind, channels)
    for site in (found.site(1), found.site(1, 3)):
        assert site.input_shape == (8, 8, channels)
        assert not site.is_image
        assert not any(list(get(name).propose(site)) for name in FAMILIES)
    assert list(get("skip").propose(found.site(1))) == [{}]


def test_what_turns_an_image_round_inside_only_is_one() -> None:
    found = pyramid(First, 16)
    for site in (found.site(1), found.site(1, 3)):
        assert site.input_shape == (16, 8, 8)
        assert site.is_image
        assert list(get("depthwise").propose(site))


class Embedding(nn.Module):
    """Takes an image and gives a map with channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(16, 24, 2, 2), nn.LayerNorm(24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x).permute(0, 2, 3, 1))


def test_the_two_ends_of_a_block_may_differ() -> None:
    net = nn.Sequential(Embedding(), Last(24)).eval()
    found = case_of(net, (torch.randn(5, 16, 8, 8),))
    assert [(f.takes_image, f.gives_image) for f in found.flowing] == [(True, False), (False,) * 2]
    assert not found.site(0).is_image
    few = found.flowing[0].head(2)
    assert (len(few.x), few.takes_image, few.gives_image) == (2, True, False)


@pytest.mark.parametrize(
    ("shape", "planes", "image"),
    [
        ((64, 8, 8), [(64, 8, 8)], True),
        ((64, 8, 8), [(32, 8, 8)], True),  # half of the channels take another way
        ((64, 8, 8), [(64, 9, 9)], True),  # padded before
        ((64, 8, 8), [(64, 4, 4)], True),  # pooled before
        ((64, 1, 1), [(64, 1, 1)], True),
        ((8, 8, 8), [(8, 9, 9)], True),
        ((16, 8, 16), [(16, 8, 16)], True),
        ((8, 8, 64), [(64, 8, 8)], False),
        ((8, 8, 64), [(128, 8, 8)], False),
        ((64, 64, 32), [(64, 64, 64)], False),  # as many hidden channels as rows
        ((16, 8, 16), [(16, 16, 8)], False),
        ((32, 32, 64), [(32, 1, 1)], False),  # a gate with as many hidden channels as rows
        ((8, 8, 64), [], False),
        ((8, 8, 8), [], False),
        ((16, 64), [(16, 64, 64)], False),
    ],
)
def test_what_layers_see_tells_where_channels_are(
    shape: tuple[int, ...], planes: list[tuple[int, ...]], image: bool
) -> None:
    assert is_image(shape, planes) is image
