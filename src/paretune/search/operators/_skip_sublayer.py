"""Skip-attention and skip-ffn: half of a transformer's block is left out.

What the sub-layer added on average stays, as a vector: it costs nothing, and the norm that follows
is used to it. Nothing is left that would have to be computed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._registry import register
from paretune.search.operators._sublayers import (
    Sublayer,
    attentions,
    feed_forwards,
    silent,
    tried,
)
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound
    from paretune.search.network.site import Site

Find = Callable[["Bound", "torch.Tensor"], list[Sublayer]]


@register
class SkipAttention(Operator):
    """Every attention of a block gives a constant."""

    name: ClassVar[str] = "skip-attention"

    def propose(self, site: Site) -> Iterator[Params]:
        """Once for a single block with an attention that can be left out."""
        if len(site.blocks) == 1 and _without(site, attentions) is not None:
            yield {}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block without attention."""
        return _built(site, attentions, seed)

    def words(self, params: Params) -> str:
        """What is gone."""
        return "attention skipped"


@register
class SkipFeedForward(Operator):
    """Every feed-forward of a block gives a constant."""

    name: ClassVar[str] = "skip-ffn"

    def propose(self, site: Site) -> Iterator[Params]:
        """Once for a single block with attention and a feed-forward that can be left out."""
        if len(site.blocks) == 1 and _without(site, feed_forwards) is not None:
            yield {}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block without feed-forward."""
        return _built(site, feed_forwards, seed)

    def words(self, params: Params) -> str:
        """What is gone."""
        return "feed-forward skipped"


def _built(site: Site, find: Find, seed: int) -> nn.Module:
    """The block without what is found, layers behind it set anew."""
    from paretune.search.network.pieces import bound
    from paretune.search.network.reread import reread

    changed = _without(site, find)
    assert changed is not None
    reread(changed, bound(site), site.flow.x, site.flow.y, seed=seed)
    return changed.run.eval()


def _without(site: Site, find: Find) -> Bound | None:
    """A copy of the block in which all that is found is silent, None where there is none."""
    import copy

    import torch

    from paretune.search.network.pieces import bound, example
    from paretune.search.operators._hearing import agrees

    block, x = bound(site), example(site)
    found = find(block, x)
    for sub in found:
        value = _mean(block, sub, site.flow.x)
        wanted = copy.deepcopy(block)
        last = wanted.get_submodule(sub.output)
        assert isinstance(last, torch.nn.Linear)
        with torch.no_grad():
            last.weight.zero_()
            last.bias = torch.nn.Parameter(value.clone())
            was, goal = block(x), wanted(x)
        works = (
            trial
            for trial in silent(block, sub, value, x)
            if (made := tried(trial, x)) is not None and agrees(made, goal, was)
        )
        chosen = next(works, None)
        if chosen is None:
            return None
        block = chosen
    return block if found else None


def _mean(block: Bound, sub: Sublayer, x: torch.Tensor) -> torch.Tensor:
    """What a sub-layer's last layer gives on average, (c,)."""
    import torch

    seen: list[torch.Tensor] = []

    def hook(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        seen.append(output.flatten(0, -2).mean(dim=0))

    handle = block.get_submodule(sub.output).register_forward_hook(hook)
    try:
        with torch.no_grad():
            block(x)
    finally:
        handle.remove()
    return seen[0]
