"""Ungated: a squeeze-and-excite, which multiplies its input by a gate, becomes a constant.

A gate waits for a mean over the whole image, two tiny layers and a multiplication over everything,
which on CPUs costs more than its arithmetic (Hu et al. 2018, arXiv 1709.01507). What it does on
average, channel by channel, is a constant that the next convolution swallows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from paretune.search.operators._activation import smooth, straighten
from paretune.search.operators._registry import register
from paretune.search.operators.base import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound
    from paretune.search.network.site import Site

#: What becomes of smooth activations along with the gates.
RELU, KEPT = "relu", "kept"


@register
class Ungated(Operator):
    """Every gate of a block becomes its constant; with it, if asked, activations become ReLU."""

    name: ClassVar[str] = "ungated"

    def propose(self, site: Site) -> Iterator[Params]:
        """For one block of images with a gate; with ReLU first, where an activation is smooth."""
        from paretune.search.network.pieces import bound, example

        if len(site.blocks) != 1 or not site.is_image:
            return
        block, x = bound(site), example(site)
        found = gated(block, x)
        if not found:
            return
        inside = {id(inner) for gate in found for inner in gate.modules()}
        if any(id(activation) not in inside for activation in smooth(block, x)):
            yield {"activation": RELU}
        yield {"activation": KEPT}

    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The block with constants, and layers that read what is new set anew."""
        from paretune.search.network.pieces import bound, example
        from paretune.search.network.reread import reread

        changed, x = bound(site), example(site)
        if params["activation"] == RELU:
            curved = smooth(changed, x)
        for gate in gated(changed, x):
            _flatten(changed, gate, site.flow.x)
        if params["activation"] == RELU:
            straighten(changed, curved)
        reread(changed, bound(site), site.flow.x, site.flow.y, seed=seed)
        return changed.run.eval()

    def words(self, params: Params) -> str:
        """What is gone."""
        more = ", activations replaced by ReLU" if params["activation"] == RELU else ""
        return f"squeeze-and-excite replaced by a constant scale{more}"


def gated(module: nn.Module, x: torch.Tensor) -> list[nn.Module]:
    """Modules in `module` with weights of their own that multiply an image, their input, by a gate.

    Args:
        module: tensor in, tensor out.
        x: an input of it.
    """
    from paretune.search.blocks._cost import params_of
    from paretune.search.blocks._trace import gates, trace

    return [
        made[0].module
        for path, made in trace(module, (x,)).items()
        if path
        and len(made) == 1
        and made[0].single
        and len(made[0].output_shape or ()) == 4
        and params_of(made[0].module)
        and gates(made[0])
    ]


def _flatten(block: Bound, gate: nn.Module, x: torch.Tensor) -> None:
    """Replace one gate by its constant, in the weights of the convolution that follows if it can.

    Whether a convolution is the only reader is not read off the graph but tried.
    """
    import copy

    import torch
    from torch import nn

    from paretune.search.network.pieces import Scale, replace
    from paretune.search.operators._hearing import agrees

    factor, reader = _constant(block, gate, x)
    with torch.no_grad():
        was = block(x)
    own = next(name for name, module in block.named_modules() if module is gate)
    folded = copy.deepcopy(block) if reader is not None else None
    replace(block, gate, Scale(factor))
    if folded is None or reader is None:
        return
    conv = folded.get_submodule(reader)
    assert isinstance(conv, nn.Conv2d)
    replace(folded, folded.get_submodule(own), nn.Identity())
    with torch.no_grad():
        conv.weight *= factor[None, :, None, None]
        wanted, made = block(x), folded(x)
    if agrees(made, wanted, was):
        block.run = folded.run


def _constant(block: Bound, gate: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, str | None]:
    """By what each channel is best multiplied instead, and the convolution called after the gate.

    The factor that leaves the smallest squared error is the mean of the gate, weighted by the
    energy of what it multiplies.
    """
    import torch
    from torch import nn

    factors: list[torch.Tensor] = []
    readers: list[str] = []
    names = {id(module): name for name, module in block.named_modules()}

    def at_gate(_: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        energy = args[0].square().sum(dim=(0, 2, 3))
        shared = (args[0] * output).sum(dim=(0, 2, 3))
        factors.append(torch.where(energy > 0, shared / energy.clamp(min=1e-12), 1.0))

    def at_conv(conv: nn.Module, _: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(conv, nn.Conv2d)
        if factors and conv.groups == 1 and conv.in_channels == len(factors[0]):
            readers.append(names[id(conv)])

    handles = [gate.register_forward_hook(at_gate)]
    inside = set(map(id, gate.modules()))
    for module in block.modules():
        if isinstance(module, nn.Conv2d) and id(module) not in inside:
            handles.append(module.register_forward_pre_hook(at_conv))
    try:
        with torch.no_grad():
            block(x)
    finally:
        for handle in handles:
            handle.remove()
    return factors[0], readers[0] if readers else None
