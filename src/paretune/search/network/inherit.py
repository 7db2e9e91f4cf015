"""Starting weights of a new block from the blocks it replaces.

Residual blocks in a row nearly add up, x + f(x) + g(x + f(x)) ~ x + f(x) + g(x) (Veit et al. 2016,
arXiv 1605.06431), so the hidden channels of several blocks stand side by side in one. Where there
is room for fewer, the most important stay: importance is the product of the norms of a channel's
weights on both sides (as in Li et al. 2017, arXiv 1608.08710, for one side). Where there is room
for more, the rest starts at random and adds nothing. BatchNorms are folded before and set anew from
real inputs after, so that the block computes the same in either mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from paretune.search.network.anatomy import Anatomy, Folded
from paretune.search.network.residual import ConvNorm, Residual

#: How much the least-squares fit of a shortcut is drawn to 0, relative to the inputs' energy.
RIDGE = 1e-3
#: Rounds of the fit where a ReLU hid a part of what is to be fitted.
FITS = 10


def inherit(block: Residual, sources: Sequence[Anatomy], x: torch.Tensor, y: torch.Tensor) -> None:
    """Fill a block with what the blocks it replaces have to give, and set its BatchNorms.

    Args:
        block: newly made, its weights random.
        sources: of the blocks it replaces, those that could be read.
        x: inputs of the run, (n, c, h, w).
        y: its outputs, (n, c', h', w').
    """
    fitting = [s.branch for s in sources if _fits(block, s.branch)]
    if fitting:
        _fill(block, fitting)
    settle(block, x)
    if isinstance(block.shortcut, ConvNorm):
        own = next((s.shortcut for s in sources if s.shortcut is not None), None)
        if own is not None and own.weight.shape == block.shortcut.conv.weight.shape:
            _put(block.shortcut, own.weight, own.bias)
        else:
            _fit_shortcut(block, x, y)
        settle(block.shortcut, x)


def settle(module: nn.Module, x: torch.Tensor) -> None:
    """Set every BatchNorm's statistics from `x` without changing what the module computes.

    Statistics of a module that has just been built stand for nothing; these are those of real
    inputs, and scale and shift make up for the change.
    """
    handles = []

    def hook(norm: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance, mean = torch.var_mean(args[0], dim=(0, 2, 3), correction=0)
        old = (norm.running_var + norm.eps).sqrt()
        new = (variance + norm.eps).sqrt()
        # weight*(z - m)/old + bias = (weight*new/old)*(z - m')/new + bias + weight*(m' - m)/old
        norm.bias.data += norm.weight.data * (mean - norm.running_mean) / old
        norm.weight.data *= new / old
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)

    for inner in module.modules():
        if isinstance(inner, nn.BatchNorm2d):
            handles.append(inner.register_forward_pre_hook(hook))
    try:
        with torch.no_grad():
            module.eval()(x)
    finally:
        for handle in handles:
            handle.remove()


def _kinds(groups: Sequence[int], kernels: Sequence[int]) -> tuple[str, ...]:
    """What each layer of a branch is: `wide` depthwise, `point` 1x1, `full` otherwise."""
    return tuple(
        "wide" if g > 1 else "point" if k == 1 else "full"
        for g, k in zip(groups, kernels, strict=True)
    )


def _fits(block: Residual, branch: Sequence[Folded]) -> bool:
    """Whether a branch has the block's ends and layers that can be turned into the block's."""
    convs = [layer.conv for layer in _layers(block)]
    ends = (branch[0].weight.shape[1] * branch[0].groups, branch[-1].weight.shape[0])
    if ends != (convs[0].in_channels, convs[-1].out_channels):
        return False
    if any(folded.groups > 1 and not folded.depthwise for folded in branch):
        return False  # groups of several channels, as RegNet's, are none of a family's layers
    ours = _kinds([c.groups for c in convs], [c.kernel_size[0] for c in convs])
    theirs = _kinds([f.groups for f in branch], [f.kernel for f in branch])
    stride = 1
    for folded in branch:
        stride *= folded.stride
    if stride != _stride(convs):
        return False
    return ours == theirs or (ours == ("full", "point") and theirs == ("point", "wide", "point"))


def _stride(convs: Sequence[nn.Conv2d]) -> int:
    total = 1
    for conv in convs:
        total *= conv.stride[0]
    return total


def _fill(block: Residual, branches: Sequence[Sequence[Folded]]) -> None:
    """Stack the hidden channels of all branches and keep the most important."""
    layers = _layers(block)
    branches = [_fused(branch) if len(branch) > len(layers) else branch for branch in branches]
    kept: torch.Tensor | None = None
    for depth, layer in enumerate(layers):
        parts = [branch[depth] for branch in branches]
        weight, bias = _stacked(parts, layer.conv, depth == 0, depth == len(layers) - 1)
        if kept is not None and layer.conv.groups == 1:
            weight = weight[:, kept]
        if depth < len(layers) - 1:
            if layer.conv.groups == 1:  # a depthwise layer keeps the channels it is given
                after = [branch[depth + 1 :] for branch in branches]
                score = _importance(parts, after)
                kept = score.topk(min(layer.conv.out_channels, len(score))).indices.sort().values
            assert kept is not None
            weight, bias = weight[kept], bias[kept]
        _put(layer, weight, bias)


def _stacked(
    parts: Sequence[Folded], conv: nn.Conv2d, first: bool, last: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """One layer of several branches as one layer: side by side, and summed where they meet."""
    weights = [_resized(part.weight, conv.kernel_size[0]) for part in parts]
    if first or conv.groups > 1:
        return torch.cat(weights), torch.cat([part.bias for part in parts])
    if last:
        return torch.cat(weights, dim=1), torch.stack([part.bias for part in parts]).sum(0)
    size_out = sum(w.shape[0] for w in weights)
    size_in = sum(w.shape[1] for w in weights)
    whole = torch.zeros(size_out, size_in, *weights[0].shape[2:])
    row = column = 0
    for w in weights:  # what belongs to different branches does not mix at first
        whole[row : row + w.shape[0], column : column + w.shape[1]] = w
        row, column = row + w.shape[0], column + w.shape[1]
    return whole, torch.cat([part.bias for part in parts])


def _importance(parts: Sequence[Folded], after: Sequence[Sequence[Folded]]) -> torch.Tensor:
    """Of each hidden channel of all branches: norm of what makes it times norm of what reads it."""
    scores = []
    for part, rest in zip(parts, after, strict=True):
        score = part.weight.flatten(1).norm(dim=1)
        for folded in rest:
            if folded.groups > 1:
                score = score * folded.weight.flatten(1).norm(dim=1)
            else:
                score = score * folded.weight.transpose(0, 1).flatten(1).norm(dim=1)
                break
        scores.append(score)
    return torch.cat(scores)


def _fused(branch: Sequence[Folded]) -> tuple[Folded, ...]:
    """1x1, depthwise, 1x1 as dense, 1x1.

    Exact but for the activation between the first two, and for the bias where zeros surround the
    image.
    """
    expand, wide, project = branch
    weight = wide.weight * expand.weight  # (h, 1, k, k) * (h, i, 1, 1)
    bias = wide.bias + wide.weight.sum(dim=(1, 2, 3)) * expand.bias
    return Folded(weight, bias, wide.stride, 1), project


def _resized(weight: torch.Tensor, kernel: int) -> torch.Tensor:
    """A kernel in the middle of a larger one, or the middle of a larger one."""
    change = kernel - weight.shape[-1]
    if change >= 0:
        return nn.functional.pad(weight, [change // 2] * 4)
    cut = -change // 2
    return weight[..., cut : cut + kernel, cut : cut + kernel]


def _put(layer: ConvNorm, weight: torch.Tensor, bias: torch.Tensor) -> None:
    """Set the leading channels; further outputs stay random, further inputs are not listened to."""
    rows, columns = weight.shape[:2]
    with torch.no_grad():
        if columns < layer.conv.weight.shape[1]:
            layer.conv.weight[:rows, columns:] = 0
        layer.conv.weight[:rows, :columns] = weight
        layer.norm.weight.fill_(1)
        layer.norm.bias[:rows] = bias
    norm = layer.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def _fit_shortcut(block: Residual, x: torch.Tensor, y: torch.Tensor) -> None:
    """Least squares of what the branch leaves over, on the inputs that a 1x1 shortcut sees.

    Where a final ReLU cut the sum off, all that is known is that it was negative: those targets are
    what the last fit gave there, if negative (expectation-maximisation for censored data).
    """
    assert isinstance(block.shortcut, ConvNorm)
    stride = block.shortcut.conv.stride[0]
    with torch.no_grad():
        branch = block.branch(x).transpose(0, 1).flatten(1)
        wanted = y.transpose(0, 1).flatten(1)
        seen = x[:, :, ::stride, ::stride].transpose(0, 1).flatten(1)
        seen = torch.cat([seen, torch.ones(1, seen.shape[1])])
        gram = seen @ seen.T
        gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
        cut = wanted <= 0 if isinstance(block.act, nn.ReLU) else torch.zeros_like(wanted).bool()
        fit = torch.zeros(len(wanted), len(seen))
        for _ in range(FITS if cut.any() else 1):
            known = torch.where(cut, (fit @ seen + branch).clamp(max=0), wanted)
            fit = torch.linalg.solve(gram, seen @ (known - branch).T).T
    _put(block.shortcut, fit[:, :-1, None, None], fit[:, -1])


def _layers(block: Residual) -> list[ConvNorm]:
    return [layer for layer in block.branch if isinstance(layer, ConvNorm)]
