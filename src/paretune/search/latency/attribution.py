"""Whose time a layer's is: from a runtime's profile back to the options of a network.

A compiler folds and renames layers, but blocks run one after another, and every convolution or
matrix product of the network is still one. So they are counted off in the order of execution, and
what runs between two belongs to the block of the one before, unless its name tells better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paretune.core import LayerTime

#: Layer types of OpenVINO's CPU plugin that stand for one convolution or linear layer.
WEIGHTED = ("Convolution", "FullyConnected", "GroupConvolution", "Deconvolution")


@dataclass(frozen=True)
class Part:
    """One option as it stands in a network.

    Attributes:
        option: its id.
        paths: the modules that it took the place of.
        weighted: convolutions and linear layers called there; None where the network has others
            outside its blocks, so that counting would not do.
    """

    option: str
    paths: tuple[str, ...]
    weighted: int | None


def attribute(layers: Sequence[LayerTime], parts: Sequence[Part]) -> dict[str, float] | None:
    """Microseconds of every option by id, those of no block under the empty name.

    Args:
        layers: as executed, in order.
        parts: the network's options in call order.

    Returns:
        None where the layers do not match the network, so that nobody's time is known.
    """
    heavy = [layer for layer in layers if layer.op.startswith(WEIGHTED)]
    counts = [part.weighted for part in parts]
    if None in counts or sum(count or 0 for count in counts) != len(heavy):
        return _by_name(layers, parts)
    owners = [part.option for part in parts for _ in range(part.weighted or 0)]
    found = dict.fromkeys([part.option for part in parts], 0.0)
    found[""] = 0.0
    seen = 0
    for layer in layers:
        named = _named(layer, parts)
        if layer.op.startswith(WEIGHTED):
            named = owners[seen]
            seen += 1
        elif named is None:
            named = owners[seen - 1] if seen else ""
        found[named] += layer.microseconds
    return found


def _by_name(layers: Sequence[LayerTime], parts: Sequence[Part]) -> dict[str, float] | None:
    """By the module paths in layers' names alone, where every weighted layer has one."""
    found = dict.fromkeys([part.option for part in parts], 0.0)
    found[""] = 0.0
    last = ""
    for layer in layers:
        named = _named(layer, parts)
        if named is None and layer.op.startswith(WEIGHTED):
            return None
        last = last if named is None else named
        found[last] += layer.microseconds
    return found


def _named(layer: LayerTime, parts: Sequence[Part]) -> str | None:
    """The option whose module's path is in a layer's name, "" for another module's path."""
    _, told, path = layer.name.partition("__module.")
    path = path.partition("/")[0]
    for part in parts:
        if any(path == own or path.startswith(f"{own}.") for own in part.paths):
            return part.option
    return "" if told else None
