"""Skip: a block whose input and output look alike may be left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._registry import register
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.network.site import Site


@register
class Skip(Operator):
    """The block's input goes on as its output."""

    name: ClassVar[str] = "skip"

    def propose(self, site: Site) -> Iterator[Params]:
        """Once for a single block that keeps its tensor's shape.

        Longer runs are skipped block by block, so that each is counted once.
        """
        if len(site.blocks) == 1 and site.input_shape == site.output_shape:
            yield {}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """An identity."""
        from torch import nn

        return nn.Identity().eval()

    def words(self, params: Params) -> str:
        """Left out."""
        return "skipped"
