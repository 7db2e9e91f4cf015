"""Hidden channels of a block: which layers write and read the same ones, and cutting some out.

The grouping is torch-pruning's dependency graph (Fang et al. 2023, arXiv 2301.12900). Before and
after the block stand an inlet and an outlet of our own: channels that reach either are the block's
own input or output and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paretune.core import MissingPackageError
from paretune.search.eval_mode import in_eval_mode

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.pieces import Bound

#: Operations between tokens: what is between them is no plain hidden layer.
_MIXING = ("ScaledDotProduct", "Softmax", "Bmm")


@dataclass(frozen=True)
class Channels:
    """Hidden channels that stand or fall together.

    Attributes:
        size: how many there are.
        unit: so many neighbours go together: the width of a group of a grouped convolution, or 1.
        roots: layers from each of which torch-pruning finds a part of those concerned.
        readers: dense layers that read them, by name, with the channels as that layer counts them.
        writers: layers that write them, by name.
        grouped: grouped convolutions that pass them on.
    """

    size: int
    unit: int
    roots: tuple[nn.Module, ...]
    readers: Mapping[str, tuple[int, ...]]
    writers: tuple[str, ...]
    grouped: tuple[nn.Module, ...]


class Anatomist:
    """The hidden channels of one copy of a block.

    Args:
        block: the copy, which `cut` changes.
        x: an input of it.

    Raises:
        MissingPackageError: torch-pruning is not installed.
    """

    def __init__(self, block: Bound, x: torch.Tensor) -> None:
        import torch

        try:
            import torch_pruning
        except ImportError as error:
            raise MissingPackageError(
                'torch-pruning is not installed: pip install "paretune[search]"'
            ) from error
        self.block = block
        with torch.enable_grad():
            made = block(x)
            self._frame = _frame(block, x, made)
            self._names = {id(m): name for name, m in block.named_modules()}
            self._graph: Any = torch_pruning.DependencyGraph().build_dependency(
                self._frame, example_inputs=x, verbose=False
            )
        in_eval_mode(block)  # what it kept of this pass has gradients and cannot be copied

    def channels(self) -> list[Channels]:
        """Every set of hidden channels, but for those between tokens."""
        parts: list[tuple[nn.Module, list[tuple[Any, list[int]]]]] = []
        seen: set[int] = set()
        for layer in self._layers():
            if id(layer) in seen:
                continue
            group = self._group(layer, range(_size(layer)))
            seen.update(id(dep.target.module) for dep, _ in group if self._writes(dep))
            parts.append((layer, group))
        # What a grouped convolution takes in and gives out stands and falls together.
        joined: list[list[tuple[nn.Module, list[tuple[Any, list[int]]]]]] = []
        for part in parts:
            touched = _grouped_in([part])
            meeting = [other for other in joined if touched & _grouped_in(other)]
            joined = [other for other in joined if other not in meeting]
            joined.append([*(p for other in meeting for p in other), part])
        return [found for together in joined if (found := self._read(together)) is not None]

    def cut(self, channels: Channels, kept: Sequence[int]) -> None:
        """Leave only the channels `kept`, everywhere."""
        gone = sorted(set(range(channels.size)) - set(kept))
        for root in channels.roots:
            for dep, places in self._group(root, gone):
                if not any(dep.target.module is conv for conv in channels.grouped):
                    dep(places)
        for conv in channels.grouped:
            _thin(conv, kept, channels.unit)

    def _group(self, layer: nn.Module, places: Iterable[int]) -> list[tuple[Any, list[int]]]:
        """torch-pruning's group of some of a layer's outputs."""
        pruner = self._graph.get_pruner_of_module(layer).prune_out_channels
        group = self._graph.get_pruning_group(layer, pruner, idxs=list(places))
        return [(dep, list(idxs)) for dep, idxs in group]

    def _writes(self, dep: Any) -> bool:
        return bool(self._graph.is_out_channel_pruning_fn(dep.handler))

    def _layers(self) -> list[nn.Module]:
        from torch import nn

        # A layer that is never called, such as the projection whose weight nn.MultiheadAttention
        # passes on itself, is not in the graph.
        known = self._graph.module2node
        layers = (m for m in self.block.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        return [layer for layer in layers if layer in known]

    def _read(self, parts: list[tuple[nn.Module, list[tuple[Any, list[int]]]]]) -> Channels | None:
        """Parts that belong together, None where they cannot be cut."""
        deps = [pair for _, group in parts for pair in group]
        ends = (self._frame.inlet, self._frame.outlet)
        if any(dep.target.module in ends for dep, _ in deps if _is_module(dep)):
            return None
        if any(word in str(dep.target.name) for dep, _ in deps for word in _MIXING):
            return None
        sizes = {_size(root) for root, _ in parts}
        grouped = {id(dep.target.module): dep.target.module for dep, _ in deps if _is_grouped(dep)}
        units = {conv.in_channels // conv.groups for conv in grouped.values()}
        units |= {conv.out_channels // conv.groups for conv in grouped.values()}
        readers = {
            self._names[id(dep.target.module)]: tuple(places)
            for dep, places in deps
            if _is_dense(dep) and not self._writes(dep)
        }
        writers = tuple(
            self._names[id(dep.target.module)]
            for dep, _ in deps
            if _is_layer(dep) and self._writes(dep)
        )
        if len(sizes) != 1 or len(units) > 1 or not readers:
            return None
        size = sizes.pop()
        if any(len(places) % size for places in readers.values()):
            return None
        return Channels(
            size=size,
            unit=units.pop() if units else 1,
            roots=tuple(root for root, _ in parts),
            readers=readers,
            writers=writers,
            grouped=tuple(grouped.values()),
        )


def _frame(block: Bound, x: torch.Tensor, made: torch.Tensor) -> Any:
    """The block between a layer of our own on each side."""
    from torch import nn

    def side(tensor: torch.Tensor) -> nn.Module:
        if tensor.dim() == 4:
            return nn.Conv2d(tensor.shape[1], tensor.shape[1], 1)
        return nn.Linear(tensor.shape[-1], tensor.shape[-1])

    class Frame(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inlet = side(x)
            self.block = block
            self.outlet = side(made)

        def forward(self, x: torch.Tensor) -> Any:
            return self.outlet(self.block(self.inlet(x)))

    return Frame().eval()


def _size(layer: Any) -> int:
    """Channels that a layer writes."""
    return int(layer.weight.shape[0])


def _grouped_in(parts: list[tuple[nn.Module, list[tuple[Any, list[int]]]]]) -> set[int]:
    return {id(dep.target.module) for _, group in parts for dep, _ in group if _is_grouped(dep)}


def _is_module(dep: Any) -> bool:
    from torch import nn

    return isinstance(dep.target.module, nn.Module)


def _is_layer(dep: Any) -> bool:
    from torch import nn

    return isinstance(dep.target.module, nn.Conv2d | nn.Linear)


def _is_dense(dep: Any) -> bool:
    return _is_layer(dep) and getattr(dep.target.module, "groups", 1) == 1


def _is_grouped(dep: Any) -> bool:
    """Whether it is a convolution with groups of more than one channel."""
    conv = dep.target.module
    return _is_layer(dep) and 1 < getattr(conv, "groups", 1) < conv.in_channels


def _thin(conv: Any, kept: Sequence[int], unit: int) -> None:
    """Leave whole groups of a grouped convolution."""
    import torch
    from torch import nn

    rows = torch.tensor(kept)
    conv.weight = nn.Parameter(conv.weight.detach()[rows].clone())
    if conv.bias is not None:
        conv.bias = nn.Parameter(conv.bias.detach()[rows].clone())
    conv.in_channels = conv.out_channels = len(kept)
    conv.groups = len(kept) // unit
