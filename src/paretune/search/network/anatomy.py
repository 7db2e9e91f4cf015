"""What a convolutional block computes beside its shortcut, read off one run of it.

The branch is the chain of convolutions from the block's input to its output, each with the
BatchNorm that follows folded in. Gates are left out. What does not read as one chain beside at most
one shortcut has no anatomy; whoever asks then starts from random weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from paretune.search.blocks._trace import Call, gates, reaches, trace


@dataclass(frozen=True)
class Folded:
    """A convolution with its BatchNorm folded in: weight (o, i, k, k), bias (o,)."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    groups: int

    @property
    def depthwise(self) -> bool:
        """Whether every channel is convolved by itself."""
        return self.groups > 1 and self.weight.shape[1] == 1

    @property
    def kernel(self) -> int:
        """Side of its kernel."""
        return self.weight.shape[-1]


@dataclass(frozen=True)
class Anatomy:
    """A branch, and the shortcut's convolution where it has one."""

    branch: tuple[Folded, ...]
    shortcut: Folded | None


def anatomy(module: nn.Module, x: torch.Tensor) -> Anatomy | None:
    """Of a module that maps (n, c, h, w) to (n, c', h', w'); None where it does not read so."""
    calls = trace(module, (x,))
    root = calls[""][0]
    gated = [path for path, made in calls.items() if path and any(gates(c) for c in made)]
    every = sorted((c for made in calls.values() for c in made), key=lambda call: call.order)
    layers = [
        call
        for call in every
        if isinstance(call.module, nn.Conv2d | nn.BatchNorm2d)
        and call.single
        and not any(call.path.startswith(f"{path}.") for path in gated)
    ]
    convs = [call for call in layers if isinstance(call.module, nn.Conv2d)]
    if not convs or len(root.outputs) != 1 or any(_odd(call.module) for call in convs):
        return None
    before = {id(c): _sources(c.inputs[0], convs, root.inputs) for c in convs}
    ends = _sources(root.outputs[0], convs, root.inputs)
    chains = []
    for end in ends:
        if end is None:
            continue
        chain: list[Call] = [end]
        while (ahead := before[id(chain[0])]) != [None]:
            if len(ahead) != 1 or ahead[0] is None or ahead[0] in chain:
                return None
            chain.insert(0, ahead[0])
        chains.append(chain)
    chains.sort(key=len, reverse=True)
    shortcut = chains[1] if len(chains) == 2 else None
    if not 1 <= len(chains) <= 2 or (shortcut is not None and len(shortcut) != 1):
        return None
    folded = {id(c): _folded(c, layers) for c in convs}
    return Anatomy(
        tuple(folded[id(call)] for call in chains[0]),
        None if shortcut is None else folded[id(shortcut[0])],
    )


def _odd(conv: nn.Module) -> bool:
    """Whether a convolution is none of the kinds that are built here."""
    assert isinstance(conv, nn.Conv2d)
    square = conv.kernel_size[0] == conv.kernel_size[1] and conv.stride[0] == conv.stride[1]
    return not square or conv.dilation != (1, 1)


def _sources(node: Any, convs: list[Call], inputs: list[Any]) -> list[Call | None]:
    """Which convolutions' outputs a tensor is made of without further ones; None: the input."""
    outputs = {conv.outputs[0] for conv in convs}
    found: list[Call | None] = [
        conv for conv in convs if reaches(node, {conv.outputs[0]}, outputs - {conv.outputs[0]})
    ]
    if reaches(node, set(inputs), outputs):
        found.append(None)
    return found


def _folded(conv: Call, layers: list[Call]) -> Folded:
    """A convolution with the BatchNorm that reads its output, where one does."""
    module = conv.module
    weight = module.weight.detach().clone()
    bias = torch.zeros(weight.shape[0]) if module.bias is None else module.bias.detach().clone()
    outputs = {c.outputs[0] for c in layers if c is not conv}
    for call in layers:
        norm = call.module
        if isinstance(norm, nn.BatchNorm2d) and reaches(
            call.inputs[0], {conv.outputs[0]}, outputs - {conv.outputs[0]}
        ):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = (norm.running_var + norm.eps).rsqrt()
            scale = scale if norm.weight is None else scale * norm.weight.detach()
            shift = torch.zeros_like(bias) if norm.bias is None else norm.bias.detach()
            weight = weight * scale[:, None, None, None]
            bias = (bias - norm.running_mean) * scale + shift
            break
    return Folded(weight, bias, module.stride[0], module.groups)
