"""Low rank: a convolution or linear layer that stands alone becomes two thinner ones.

This is what a stem, a head or a classifier can become, which no other operator touches. The two
are the best of their rank for the real inputs: a singular value decomposition of the weights, seen
through the inputs' covariance (reduced-rank regression, Izenman 1975,
doi 10.1016/0047-259X(75)90042-1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._registry import register
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.site import Site

#: Ranks from here on are rounded to multiples of 8, on which CPU kernels work.
ROUND_FROM, ROUND = 16, 8
#: A layer that reads more numbers than this sees its weights alone: their covariance is too large.
MOST_FEATURES = 2400
#: Least share of the inputs' energy that is added to every direction of their covariance.
RIDGE = 1e-2


@register
class LowRank(Operator):
    """The one weighted layer of a block, as two of `rank` times the full rank between them."""

    name: ClassVar[str] = "low-rank"

    def propose(self, site: Site) -> Iterator[Params]:
        """For a single block with one weighted layer, where that takes fewer operations."""
        from paretune.search.network.pieces import bound

        layer = _alone(bound(site)) if len(site.blocks) == 1 else None
        if layer is None:
            return
        full = min(len(layer.weight), layer.weight[0].numel())
        seen = set()
        for share in (0.5, 0.25):
            rank = _rank(full, share)
            cost = rank * (len(layer.weight) + layer.weight[0].numel())
            if cost < layer.weight.numel() and rank not in seen:
                seen.add(rank)
                yield {"rank": share}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block with the layer in two."""
        from paretune.search.network.pieces import bound, replace
        from paretune.search.network.seat import Seat, settings

        changed = bound(site)
        layer = _alone(changed)
        assert layer is not None
        full = min(len(layer.weight), layer.weight[0].numel())
        covariance = _covariance(changed, layer, site.flow.x, seed)
        halves = _halves(layer, _rank(full, params["rank"]), covariance)
        # Its block may ask it for its stride, to pad its input.
        replace(changed, layer, Seat(halves, settings(layer)))
        return changed.run.eval()

    def words(self, params: Params) -> str:
        """How thin."""
        return f"its layer split in two of {params['rank']:.0%} of the rank"


def _rank(full: int, share: float) -> int:
    rank = max(1, int(full * share))
    return rank if rank < ROUND_FROM else rank // ROUND * ROUND


def _alone(module: nn.Module) -> nn.Conv2d | nn.Linear | None:
    """The only thing in a module that multiplies by a matrix, if it is a dense layer."""
    from torch import nn

    matrices = [p for p in module.parameters() if p.dim() > 1 and p.numel() > max(p.shape)]
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    if len(matrices) != 1 or len(layers) != 1 or layers[0].weight is not matrices[0]:
        return None
    layer = layers[0]
    return None if isinstance(layer, nn.Conv2d) and layer.groups > 1 else layer


def _covariance(
    block: nn.Module, layer: nn.Conv2d | nn.Linear, x: torch.Tensor, seed: int
) -> torch.Tensor | None:
    """Second moments of what the layer reads, (i, i), drawn to a multiple of 1; None if too large.

    The fewer positions there are for the features, the stronger the pull.
    """
    import torch

    from paretune.search.network.reread import inputs_of

    if layer.weight[0].numel() > MOST_FEATURES:
        return None
    rows = inputs_of(block, layer, x, seed=seed)
    moments = rows.T @ rows / len(rows)
    pull = min(1.0, max(RIDGE, rows.shape[1] / len(rows)))
    energy = moments.diagonal().mean().clamp(min=1e-8)
    return (1 - pull) * moments + pull * energy * torch.eye(len(moments))


def _halves(
    layer: nn.Conv2d | nn.Linear, rank: int, covariance: torch.Tensor | None
) -> nn.Sequential:
    """Two layers: into `rank` channels with the kernel, out of them without."""
    import copy

    import torch
    from torch import nn

    with torch.no_grad():
        weight = layer.weight.flatten(1)
        root = None if covariance is None else torch.linalg.cholesky(covariance)
        u, s, v = torch.linalg.svd(weight if root is None else weight @ root, full_matrices=False)
        into, out = s[:rank].sqrt()[:, None] * v[:rank], u[:, :rank] * s[:rank].sqrt()
        if root is not None:  # v = into @ root
            into = torch.linalg.solve_triangular(root, into, upper=False, left=False)
        # A copy keeps whatever the layer's own class does about its edges.
        first = copy.deepcopy(layer)
        first.weight = nn.Parameter(into.reshape(rank, *layer.weight.shape[1:]).contiguous())
        first.bias = None
        second: nn.Conv2d | nn.Linear
        bias = layer.bias is not None
        if isinstance(first, nn.Conv2d):
            first.out_channels = rank
            second = nn.Conv2d(rank, len(weight), 1, bias=bias)
        else:
            first.out_features = rank
            second = nn.Linear(rank, len(weight), bias=bias)
        second.weight.copy_(out.reshape(second.weight.shape))
        if layer.bias is not None and second.bias is not None:
            second.bias.copy_(layer.bias)
    return nn.Sequential(first, second)
