"""Activation: what bends smoothly, such as SiLU and GELU, becomes ReLU.

A smooth activation costs an exponential for every number; ReLU is a maximum that compilers fold
into the layer before. Activations are known by what they compute, so that any library's classes
are; those that are called as functions are left.
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

#: A module is tried on so many numbers between -SPAN and SPAN.
POINTS = 97
SPAN = 6.0
#: How far from 0 on the left, and from the identity on the right, an activation may end: ELU and
#: SELU are included, sigmoid and tanh are not.
NEAR_ZERO = 2.0
NEAR_IDENTITY = 0.5
#: A piecewise linear function bends at up to so many of the points: ReLU once, ReLU6 twice.
BENDS = 4


@register
class Activation(Operator):
    """Every smooth activation of a block becomes ReLU."""

    name: ClassVar[str] = "activation"

    def propose(self, site: Site) -> Iterator[Params]:
        """Once for a single block in which a smooth activation is called."""
        from paretune.search.network.pieces import bound, example

        if len(site.blocks) == 1 and smooth(bound(site), example(site)):
            yield {}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block with ReLU, and layers that read it set anew."""
        from paretune.search.network.pieces import bound, example
        from paretune.search.network.reread import reread

        changed = bound(site)
        straighten(changed, smooth(changed, example(site)))
        reread(changed, bound(site), site.flow.x, site.flow.y, seed=seed)
        return changed.run.eval()

    def words(self, params: Params) -> str:
        """Which function it becomes."""
        return "activations replaced by ReLU"


def smooth(module: nn.Module, x: torch.Tensor) -> list[nn.Module]:
    """Modules in `module` that are called and compute a smooth variant of ReLU.

    Args:
        module: tensor in, tensor out.
        x: an input of it.
    """
    from paretune.search.blocks._trace import trace

    found = {}
    for made in trace(module, (x,)).values():
        call = made[0]
        inner = call.module
        leaf = not any(True for _ in inner.children())
        held = any(True for _ in inner.parameters()) or any(True for _ in inner.buffers())
        if leaf and not held and call.single and call.input_shape == call.output_shape:
            assert call.input_shape is not None
            if _bends(inner, call.input_shape):
                found[id(inner)] = inner
    return list(found.values())


def straighten(module: nn.Module, activations: list[nn.Module]) -> None:
    """Put ReLU in the place of activations."""
    from torch import nn

    from paretune.search.network.pieces import replace

    for old in activations:
        replace(module, old, nn.ReLU())


def _bends(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a module works number by number, and bends smoothly from near 0 to the identity."""
    import torch

    grid = torch.linspace(-SPAN, SPAN, POINTS)
    rest = max(1, torch.Size(shape[1:]).numel())
    batch = -(-POINTS // rest)
    filled = grid.repeat(-(-batch * rest // POINTS))[: batch * rest]
    try:
        with torch.no_grad():
            made = module(filled.clone().reshape(batch, *shape[1:])).flatten()
            rolled = module(filled.roll(1).reshape(batch, *shape[1:])).flatten()
    except Exception:  # the user's own code: it needs more than a tensor, or gives something else
        return False
    if made.shape != filled.shape or not torch.allclose(made.roll(1), rolled, atol=1e-6):
        return False
    curve = made[:POINTS]
    if abs(curve[0]) > NEAR_ZERO or abs(curve[-1] - SPAN) > NEAR_IDENTITY:
        return False
    return int((curve.diff(n=2).abs() > 1e-4).sum()) > BENDS
