"""Width: a block keeps its design and only its most important hidden channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.core import MissingPackageError
from paretune.search.operators._registry import register
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound
    from paretune.search.network.site import Site
    from paretune.search.operators._channels import Anatomist, Channels

#: Channels are rounded to multiples of this: CPU kernels work on blocks of 8 or 16.
ROUND = 8
#: Shares of the hidden channels that are left: of images, and of a transformer's feed-forward.
IMAGE_SHARES = (0.75, 0.5, 0.35, 0.25)
TOKEN_SHARES = (0.75, 0.5, 0.25, 0.12)


@register
class Width(Operator):
    """Every set of hidden channels thinned to `width` times its size.

    Those stay that give most to what reads them, on real inputs; layers that read them are set anew
    by least squares. Gates follow what they multiply but keep their own squeeze, which costs
    nothing. Grouped convolutions lose whole groups.
    """

    name: ClassVar[str] = "width"

    def propose(self, site: Site) -> Iterator[Params]:
        """For a single block with hidden channels; sizes that round to the same are told once."""
        if len(site.blocks) != 1:
            return
        try:
            anatomist, found = _hidden(site)
        except MissingPackageError:
            raise
        except Exception:  # the user's own code, and what torch-pruning makes of it
            return
        whole = tuple(c.size for c in found)
        seen, tried = {whole}, set[int]()
        for share in IMAGE_SHARES if site.is_image else TOKEN_SHARES:
            sizes = tuple(_left(c, share) for c in found)
            if sizes in seen:
                continue
            cut = {i for i, size in enumerate(sizes) if size < whole[i]}
            if not cut <= tried:  # small sets are rounded to all of theirs at first
                if tried:
                    anatomist, found = _hidden(site)
                if not _exact(site, anatomist, found, share):
                    return
                tried |= cut
            seen.add(sizes)
            yield {"width": share}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block with thinner hidden layers."""
        import torch

        from paretune.search.network.pieces import bound
        from paretune.search.network.reread import reread

        anatomist, found = _hidden(site)
        original = bound(site)
        stay: dict[str, torch.Tensor] = {}
        for channels, kept in _kept(original, site.flow.x, found, params["width"]):
            anatomist.cut(channels, kept)
            stay |= dict.fromkeys(channels.writers, torch.tensor(kept))
        changed = anatomist.block
        reread(changed, original, site.flow.x, site.flow.y, seed=seed, kept=stay)
        return changed.run.eval()

    def words(self, params: Params) -> str:
        """How much is left."""
        return f"hidden width x {params['width']:g}"


def _hidden(site: Site) -> tuple[Anatomist, list[Channels]]:
    """A fresh copy of the block with its hidden channels outside of gates."""
    from paretune.search.network.pieces import bound, example
    from paretune.search.operators._channels import Anatomist
    from paretune.search.operators._gate import gated

    block, x = bound(site), example(site)
    layers = {id(m) for gate in gated(block, x) for m in gate.modules()}
    anatomist = Anatomist(block, x)
    found = [
        channels
        for channels in anatomist.channels()
        if not all(id(root) in layers for root in channels.roots)
    ]
    return anatomist, found


def _left(channels: Channels, share: float) -> int:
    """How many of the channels stay."""
    unit = ROUND if channels.unit == 1 else channels.unit
    return min(channels.size, max(unit, int(channels.size * share / unit + 0.5) * unit))


def _kept(
    original: Bound, x: torch.Tensor, found: list[Channels], share: float
) -> Iterator[tuple[Channels, list[int]]]:
    """Which channels of each set stay, where some go."""
    from paretune.search.operators._hearing import energy

    for channels in found:
        left = _left(channels, share)
        if left == channels.size:
            continue
        score = energy(original, x, channels).reshape(-1, channels.unit).sum(dim=1)
        best = score.topk(left // channels.unit).indices.sort().values
        places = best[:, None] * channels.unit + best.new_tensor(range(channels.unit))
        yield channels, places.flatten().tolist()


def _exact(site: Site, anatomist: Anatomist, found: list[Channels], share: float) -> bool:
    """Whether cutting computes what it should: what is given when nobody hears what was cut.

    A block that no longer runs holds channels in something that is no layer, such as a parameter of
    its own.
    """
    import torch

    from paretune.search.network.pieces import bound, example
    from paretune.search.operators._hearing import agrees, deafen
    from paretune.search.operators._sublayers import tried

    deaf, x = bound(site), example(site)
    with torch.no_grad():
        was = deaf(x)
    picked = list(_kept(deaf, x, found, share))
    with torch.no_grad():
        for channels, kept in picked:
            deafen(deaf, channels, kept)
            anatomist.cut(channels, kept)
        wanted = deaf(x)
    made = tried(anatomist.block, x)
    return made is not None and agrees(made, wanted, was)
