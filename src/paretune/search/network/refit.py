"""Least squares for a block's last layer: the best that its hidden channels can do at once.

Once hidden channels have been left out or put together, the layer that reads them is no longer the
best for them. With everything before it fixed, its weights are a linear regression on real inputs
(He, Zhang and Sun 2017, arXiv 1707.06168, equation 2, here for all channels at once). The fit is
drawn to the inherited weights as strongly as serves inputs that it has not seen, and is dropped
where it serves them worse.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from paretune.search.network.inherit import FITS, settle
from paretune.search.network.residual import ConvNorm, Residual

#: Pulls towards the inherited weights that are tried, relative to the features' energy.
PULLS = (1e-3, 1e-2, 1e-1, 1.0)
#: A layer that reads more numbers than this per position is left as inherited: too dear to solve.
MOST_FEATURES = 2400
#: Positions are drawn up to this many times the features: more would not change the fit.
POSITIONS = 12


def refit(block: Residual, x: torch.Tensor, y: torch.Tensor, *, seed: int) -> bool:
    """Fit the last layer of a block's branch; whether that served unseen inputs.

    Args:
        block: with its other weights set.
        x: inputs of the run it replaces, (n, c, h, w), at least 4 of them.
        y: the run's outputs.
        seed: of the positions that are drawn.
    """
    last = block.branch[-1]
    assert isinstance(last, ConvNorm)
    conv = last.conv
    if len(x) < 4 or conv.groups != 1 or conv.weight[0].numel() > MOST_FEATURES:
        return False
    half = len(x) // 2
    with torch.no_grad():
        hidden = block.branch[:-1](x)
        beside = block.shortcut(x)
        features, positions = _features(hidden[:half], conv, seed)
        targets = _at(y[:half], positions)
        shift = _at(beside[:half], positions)
        scale, bias = _scale(last)
        start = torch.cat([conv.weight.flatten(1) * scale[:, None], bias[:, None]], dim=1)
        best, least = None, _error(block, x[half:], y[half:])
        cut = targets <= 0 if isinstance(block.act, nn.ReLU) else torch.zeros_like(targets).bool()
        gram = features.T @ features
        kept = copy.deepcopy(last.state_dict())
        for pull in PULLS:
            ridge = pull * gram.diagonal().mean() * torch.eye(len(gram))
            factor = torch.linalg.cholesky(gram + ridge)
            fit = start
            for _ in range(FITS if cut.any() else 1):
                whole = features @ fit.T + shift
                known = torch.where(cut, whole.clamp(max=0), targets) - shift
                side = features.T @ known + ridge @ start.T
                fit = torch.cholesky_solve(side, factor).T
            _set(last, fit)
            error = _error(block, x[half:], y[half:])
            if error < least:
                best, least = fit, error
        if best is None:
            last.load_state_dict(kept)
            return False
        _set(last, best)
        settle(last, hidden)
    return True


def _features(
    hidden: torch.Tensor, conv: nn.Conv2d, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the layer reads at positions drawn at random, and 1: (p, features + 1), and where."""
    patches = nn.functional.unfold(hidden, conv.kernel_size, padding=conv.kernel_size[0] // 2)
    rows = patches.transpose(1, 2).flatten(0, 1)
    generator = torch.Generator().manual_seed(seed)
    wanted = min(len(rows), POSITIONS * rows.shape[1])
    places = torch.randperm(len(rows), generator=generator)[:wanted]
    drawn = rows[places]
    return torch.cat([drawn, torch.ones(len(drawn), 1)], dim=1), places


def _at(image: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Channels at positions counted over all images: (p, c)."""
    return image.flatten(2).transpose(1, 2).flatten(0, 1)[places]


def _scale(layer: ConvNorm) -> tuple[torch.Tensor, torch.Tensor]:
    """What a BatchNorm multiplies with and adds, (c,) each."""
    norm = layer.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale


def _set(layer: ConvNorm, fit: torch.Tensor) -> None:
    """Set a layer to weights with a bias, its BatchNorm adding the bias alone."""
    norm = layer.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    layer.conv.weight.copy_(fit[:, :-1].reshape(layer.conv.weight.shape))
    norm.weight.fill_(1)
    norm.bias.copy_(fit[:, -1])
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def _error(block: Residual, x: torch.Tensor, y: torch.Tensor) -> float:
    """Mean squared error."""
    return float((block.eval()(x) - y).square().mean())
