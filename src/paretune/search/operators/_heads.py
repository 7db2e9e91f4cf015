"""Heads: an attention keeps its most important heads (Michel et al. 2019, arXiv 1905.10650)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._registry import register
from paretune.search.operators._sublayers import Sublayer, attentions, tried
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound
    from paretune.search.network.site import Site
    from paretune.search.operators._channels import Channels

SHARES = (0.75, 0.5, 0.25)


@register
class Heads(Operator):
    """Every attention of a block with `heads` times its heads; their width stays.

    Importance is what a head adds to the output on real inputs. Code around the layers knows the
    number of heads from some attribute or other: those of the attention's own module that hold it,
    or the numbers of all heads together, are changed with it as far as that is needed; whether the
    result computes what it should is tried.
    """

    name: ClassVar[str] = "heads"

    def propose(self, site: Site) -> Iterator[Params]:
        """For a single block with attentions whose heads can be told apart."""
        from paretune.search.network.pieces import bound, example

        if len(site.blocks) != 1:
            return
        block, x = bound(site), example(site)
        found = attentions(block, x)
        seen = {tuple(sub.heads for sub in found)}
        for share in SHARES:
            left = tuple(_left(sub, share) for sub in found)
            if left in seen:
                continue
            if len(seen) == 1 and _fewer(block, found, share, x, site.flow.x) is None:
                return
            seen.add(left)
            yield {"heads": share}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block with fewer heads, layers behind them set anew."""
        from paretune.search.network.pieces import bound, example
        from paretune.search.network.reread import reread

        block, x = bound(site), example(site)
        changed = _fewer(block, attentions(block, x), params["heads"], x, site.flow.x)
        assert changed is not None
        reread(changed, bound(site), site.flow.x, site.flow.y, seed=seed)
        return changed.run.eval()

    def words(self, params: Params) -> str:
        """How many are left."""
        return f"attention heads x {params['heads']:g}"


def _left(sub: Sublayer, share: float) -> int:
    return max(1, int(sub.heads * share + 0.5))


def _fewer(
    block: Bound, found: Sequence[Sublayer], share: float, x: torch.Tensor, inputs: torch.Tensor
) -> Bound | None:
    """A copy with fewer heads, None where none of the ways to say so to the code works.

    Args:
        block: as it was.
        found: its attentions.
        share: of the heads that stay.
        x: an input to try copies on.
        inputs: by which importance is judged.
    """
    import copy

    import torch

    from paretune.search.operators._hearing import agrees, deafen, energy

    was = tried(block, x)
    assert was is not None
    for sub in found:
        channels = _channels(sub)
        score = energy(block, inputs, channels).reshape(sub.heads, -1).sum(dim=1)
        heads = score.topk(_left(sub, share)).indices.sort().values
        places = (heads[:, None] * sub.width + torch.arange(sub.width)).flatten()
        deaf = copy.deepcopy(block)
        deafen(deaf, channels, places.tolist())
        goal = tried(deaf, x)
        chosen = None
        for told in (0, 1, 2):
            trial = copy.deepcopy(block)
            _cut(trial, sub, places)
            _tell(trial, sub, len(heads), told)
            made = tried(trial, x)
            if made is not None and goal is not None and agrees(made, goal, was):
                chosen = trial
                break
        if chosen is None:
            return None
        block = chosen
    return block


def _channels(sub: Sublayer) -> Channels:
    """What the last layer reads, as channels that go head by head."""
    from paretune.search.operators._channels import Channels

    size = sub.heads * sub.width
    return Channels(
        size=size,
        unit=sub.width,
        roots=(),
        readers={sub.output: tuple(range(size))},
        writers=sub.before,
        grouped=(),
    )


def _cut(block: Bound, sub: Sublayer, places: torch.Tensor) -> None:
    """Leave only some of the numbers that the heads make together."""
    import torch
    from torch import nn

    size = sub.heads * sub.width
    for name in sub.before:
        layer = block.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        # Fused: all queries, then all keys, then all values.
        rows = torch.cat([places + i * size for i in range(layer.out_features // size)])
        layer.weight = nn.Parameter(layer.weight.detach()[rows].clone())
        if layer.bias is not None:
            layer.bias = nn.Parameter(layer.bias.detach()[rows].clone())
        layer.out_features = len(rows)
    last = block.get_submodule(sub.output)
    assert isinstance(last, nn.Linear)
    last.weight = nn.Parameter(last.weight.detach()[:, places].clone())
    last.in_features = len(places)


def _tell(block: Bound, sub: Sublayer, heads: int, told: int) -> None:
    """Change the attention module's own numbers: none, that of heads, that of all widths too."""
    new = [{}, {sub.heads: heads}, {sub.heads: heads, sub.heads * sub.width: heads * sub.width}]
    for holder in {name.rpartition(".")[0] for name in sub.before}:
        module = block.get_submodule(holder)
        for key, value in list(vars(module).items()):
            if type(value) is int and value in new[told]:
                setattr(module, key, new[told][value])
