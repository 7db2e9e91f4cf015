"""Whole new blocks in the place of one or several: basic, bottleneck, depthwise, fused.

Each is a residual block after a known design, with ReLU, which costs nothing once compiled. In the
place of several blocks it merges them: on CPUs many small layers cost more than one wide one.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._registry import register
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.network.residual import Layer
    from paretune.search.network.site import Site

#: A block of more multiply-accumulates than this many times those that it replaces is not proposed:
#: dense layers do several times the work of depthwise ones in the same time, and not more.
MOST_MACS = 4.0
#: Channels are rounded to multiples of this: CPU kernels work on blocks of 8 or 16.
ROUND = 8


class Family(Operator):
    """A design of residual blocks; a subclass says which layers its branch has."""

    #: What is proposed for one block, and for several merged into one.
    single: ClassVar[tuple[Params, ...]]
    merged: ClassVar[tuple[Params, ...]]

    @abstractmethod
    def layers(self, channels: tuple[int, int], stride: int, params: Params) -> list[Layer]:
        """The branch.

        Args:
            channels: in and out.
            stride: of the whole block.
            params: as proposed.
        """

    def propose(self, site: Site) -> Iterator[Params]:
        """Its variants, wherever an image goes in and comes out at a whole stride."""
        stride = _stride(site) if site.is_image else None
        if stride is None or not _replaceable(site):
            return
        allowed = MOST_MACS * sum(block.macs for block in site.blocks)
        for params in self.single if len(site.blocks) == 1 else self.merged:
            if self._macs(site, stride, params) <= allowed:
                # Whether ReLU follows the sum is read off real outputs once, and stays with it.
                yield params | {"active": bool(site.flow.y.min() >= 0)}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """A residual block with weights inherited from the blocks that it replaces."""
        import torch

        from paretune.search.network.anatomy import anatomy
        from paretune.search.network.inherit import inherit
        from paretune.search.network.refit import refit
        from paretune.search.network.residual import Residual
        from paretune.search.network.seat import Bound

        stride = _stride(site)
        assert stride is not None
        ends = (site.input_shape[0], site.output_shape[0])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            block = Residual(self.layers(ends, stride, params), active=params["active"])
        read = []
        flow, few = site.flow, site.flow.head(1)
        x, passed = flow.x.clone(), bool(flow.extras or flow.named)
        for one in site.module.apart():
            found = anatomy(Bound(one, few.extras, few.named) if passed else one, x[:1])
            if found is not None:
                read.append(found)
            with torch.no_grad():
                x = one(x, *flow.extras, **flow.named)
        inherit(block, read, site.flow.x, site.flow.y)
        refit(block, site.flow.x, site.flow.y, seed=seed)
        return block.eval()

    def _macs(self, site: Site, stride: int, params: Params) -> int:
        """Multiply-accumulates of the branch for one sample."""
        height, width = site.input_shape[1:]
        total = 0
        for layer in self.layers((site.input_shape[0], site.output_shape[0]), stride, params):
            height, width = math.ceil(height / layer.stride), math.ceil(width / layer.stride)
            weights = layer.channels_in // layer.groups * layer.channels_out * layer.kernel**2
            total += weights * height * width
        return total

    def words(self, params: Params) -> str:
        """The design and its size."""
        sizes = {key: value for key, value in params.items() if key != "active"}
        return f"one {self.name} block ({', '.join(f'{k} {v:g}' for k, v in sizes.items())})"


@register
class Basic(Family):
    """Two 3x3 convolutions (He et al. 2016, arXiv 1512.03385); `width` times the outputs hidden."""

    name: ClassVar[str] = "basic"
    single: ClassVar[tuple[Params, ...]] = ({"width": 1.0}, {"width": 0.5})
    merged: ClassVar[tuple[Params, ...]] = ({"width": 2.0}, {"width": 1.0}, {"width": 4.0})

    def layers(self, channels: tuple[int, int], stride: int, params: Params) -> list[Layer]:
        """3x3 with the stride, 3x3."""
        from paretune.search.network.residual import Layer

        hidden = _rounded(channels[1] * params["width"])
        return [
            Layer(channels[0], hidden, 3, stride),
            Layer(hidden, channels[1], 3, active=False),
        ]


@register
class Bottleneck(Family):
    """1x1, 3x3, 1x1 (He et al. 2016, arXiv 1512.03385); `width` times the outputs inside."""

    name: ClassVar[str] = "bottleneck"
    single: ClassVar[tuple[Params, ...]] = ({"width": 0.25}, {"width": 0.5})
    merged: ClassVar[tuple[Params, ...]] = ({"width": 0.5}, {"width": 1.0})

    def layers(self, channels: tuple[int, int], stride: int, params: Params) -> list[Layer]:
        """1x1, 3x3 with the stride, 1x1."""
        from paretune.search.network.residual import Layer

        hidden = _rounded(channels[1] * params["width"])
        return [
            Layer(channels[0], hidden, 1),
            Layer(hidden, hidden, 3, stride),
            Layer(hidden, channels[1], 1, active=False),
        ]


@register
class Depthwise(Family):
    """1x1, depthwise k x k, 1x1 (Sandler et al. 2018, arXiv 1801.04381), without gate."""

    name: ClassVar[str] = "depthwise"
    single: ClassVar[tuple[Params, ...]] = tuple(
        {"kernel": k, "expand": e} for k in (3, 5) for e in (6.0, 4.0, 3.0, 2.0)
    )
    merged: ClassVar[tuple[Params, ...]] = (
        {"kernel": 3, "expand": 4.0},
        {"kernel": 5, "expand": 6.0},
    )

    def layers(self, channels: tuple[int, int], stride: int, params: Params) -> list[Layer]:
        """1x1, depthwise with the stride, 1x1."""
        from paretune.search.network.residual import Layer

        hidden = _rounded(channels[0] * params["expand"])
        return [
            Layer(channels[0], hidden, 1),
            Layer(hidden, hidden, int(params["kernel"]), stride, groups=hidden),
            Layer(hidden, channels[1], 1, active=False),
        ]


@register
class Fused(Family):
    """Dense 3x3, 1x1: a depthwise block's first two layers fused (Tan and Le, arXiv 2104.00298)."""

    name: ClassVar[str] = "fused"
    single: ClassVar[tuple[Params, ...]] = ({"expand": 4.0}, {"expand": 2.0}, {"expand": 1.0})
    merged: ClassVar[tuple[Params, ...]] = ({"expand": 4.0}, {"expand": 2.0})

    def layers(self, channels: tuple[int, int], stride: int, params: Params) -> list[Layer]:
        """3x3 with the stride, 1x1."""
        from paretune.search.network.residual import Layer

        hidden = _rounded(channels[0] * params["expand"])
        return [
            Layer(channels[0], hidden, 3, stride),
            Layer(hidden, channels[1], 1, active=False),
        ]


def _rounded(channels: float) -> int:
    return max(ROUND, int(channels / ROUND + 0.5) * ROUND)


def _stride(site: Site) -> int | None:
    """By how much the run shrinks an image, None where that is no whole number."""
    before, after = site.input_shape[1:], site.output_shape[1:]
    ratios = {math.ceil(a / b) if b else 0 for a, b in zip(before, after, strict=True)}
    if len(ratios) != 1:
        return None
    ratio = ratios.pop()
    if ratio < 1 or any(math.ceil(a / ratio) != b for a, b in zip(before, after, strict=True)):
        return None
    return ratio


def _replaceable(site: Site) -> bool:
    """Whether it is worth a residual block: more than one layer, and no stem on raw channels."""
    return all(len(block.members) == 1 for block in site.blocks) and site.input_shape[0] >= ROUND
