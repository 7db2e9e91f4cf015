"""Layers that read something changed, set anew so that they give what they gave before.

Once hidden channels are gone or an activation is another, a layer that reads them can do better
than with the weights it had: a linear regression of what it gave in the baseline on what it reads
now (He, Zhang and Sun 2017, arXiv 1707.06168, equation 2), on real inputs. Layers are taken in the
order in which they are called, so that each meets what is new before it. A fit is drawn to the
inherited weights as strongly as serves inputs that it has not seen, and is dropped where it serves
them worse.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

#: Pulls towards the inherited weights that are tried, relative to the features' energy.
PULLS = (1e-2, 1e-1, 1.0)
#: A layer that reads more numbers than this per position is left as inherited: too dear to solve.
MOST_FEATURES = 1600
#: Positions are drawn up to this many times the features: more would not change the fit.
POSITIONS = 8
#: Samples below which nothing is fitted: half of them are kept back to judge the fit.
FEWEST = 4


def reread(
    changed: nn.Module,
    original: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    seed: int,
    kept: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Fit every dense layer of `changed` whose input is not what it is in `original`.

    All fits are taken back if they make the whole block worse on the samples that are kept back.

    Args:
        changed: a block with inherited weights, its layers named as in `original`.
        original: the block as it was.
        x: inputs, batch on axis 0.
        y: what the original gives for them.
        seed: of the positions that are drawn.
        kept: by layer, which of its output channels are left, all by default.
    """
    if len(x) < FEWEST:
        return
    before = {name: value.clone() for name, value in changed.state_dict().items()}
    biased = {name for name, layer in _dense(changed) if layer.bias is not None}
    half = len(x) // 2
    with torch.no_grad():
        start = float((changed(x.clone()) - y)[half:].square().mean())
        were = _reads(original, x)
        for name in were:
            layer = dict(_dense(changed)).get(name)
            if layer is None or _features(layer) > MOST_FEATURES:
                continue
            now = _reads(changed, x).get(name)
            if now is None or _same(now[0], were[name][0]):
                continue
            wanted = were[name][1]
            if kept is not None and name in kept:
                wanted = wanted.index_select(_channels(layer), kept[name])
            if wanted.shape == now[1].shape:
                _fit(layer, now[0], wanted, seed)
        if not float((changed(x.clone()) - y)[half:].square().mean()) < start:
            for name, layer in _dense(changed):
                if name not in biased:
                    layer.bias = None
            changed.load_state_dict(before)


def inputs_of(
    module: nn.Module, layer: nn.Conv2d | nn.Linear, x: torch.Tensor, *, seed: int
) -> torch.Tensor:
    """What a dense layer in `module` reads, float (positions, features), at some positions.

    Args:
        module: tensor in, tensor out.
        layer: it is called once.
        x: an input of `module`.
        seed: of the positions.
    """
    name = next(name for name, inner in module.named_modules() if inner is layer)
    with torch.no_grad():
        given, made = _reads(module, x)[name]
        generator = torch.Generator().manual_seed(seed)
        return _rows(layer, given, made, generator)[0][:, :-1]


def _dense(module: nn.Module) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """Convolutions without groups, and linear layers."""
    return [
        (name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)
    ]


def _reads(module: nn.Module, x: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """What every dense layer is given and gives, by name in the order of calls."""
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    handles = []
    for name, layer in _dense(module):

        def hook(
            _: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor, name: str = name
        ) -> None:
            # What follows may work in place.
            found[name] = args[0].clone(), output.clone()

        handles.append(layer.register_forward_hook(hook))
    try:
        module(x.clone())
    finally:
        for handle in handles:
            handle.remove()
    return found


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-6)


def _channels(layer: nn.Module) -> int:
    """Axis of a layer's channels in what it gives."""
    return 1 if isinstance(layer, nn.Conv2d) else -1


def _features(layer: nn.Conv2d | nn.Linear) -> int:
    return int(layer.weight[0].numel())


def _fit(
    layer: nn.Conv2d | nn.Linear, given: torch.Tensor, wanted: torch.Tensor, seed: int
) -> None:
    """Set a layer to the fit that serves the second half of the samples best, if any does."""
    half = len(given) // 2
    generator = torch.Generator().manual_seed(seed)
    rows, targets = _rows(layer, given[:half], wanted[:half], generator)
    seen, unseen = _rows(layer, given[half:], wanted[half:], generator)
    weight = layer.weight.flatten(1)
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    start = torch.cat([weight, bias[:, None]], dim=1)
    gram = rows.T @ rows
    best, least = None, float((seen @ start.T - unseen).square().mean())
    for pull in PULLS:
        ridge = pull * gram.diagonal().mean().clamp(min=1e-8)
        side = rows.T @ (targets - rows @ start.T)
        inverse = torch.linalg.cholesky(gram + ridge * torch.eye(len(gram)))
        fit = start + torch.cholesky_solve(side, inverse).T
        error = float((seen @ fit.T - unseen).square().mean())
        if error < least:
            best, least = fit, error
    if best is not None:
        layer.weight.copy_(best[:, :-1].reshape(layer.weight.shape))
        if layer.bias is None:
            layer.bias = nn.Parameter(best[:, -1].clone())
        else:
            layer.bias.copy_(best[:, -1])


def _rows(
    layer: nn.Conv2d | nn.Linear,
    given: torch.Tensor,
    wanted: torch.Tensor,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What a layer reads at positions drawn at random, and 1; and what it should give there."""
    most = POSITIONS * _features(layer)
    if isinstance(layer, nn.Linear):
        rows, targets = given.flatten(0, -2), wanted.flatten(0, -2)
        places = torch.randperm(len(rows), generator=generator)[:most]
        rows, targets = rows[places], targets[places]
    else:
        rows, targets = _patches(layer, given, wanted, most, generator)
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1), targets


def _patches(
    conv: nn.Conv2d,
    given: torch.Tensor,
    wanted: torch.Tensor,
    most: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches that a convolution sees, (p, i * k * k), and its outputs there, (p, o)."""
    high, wide = conv.kernel_size
    down, right = conv.stride
    spread = conv.dilation
    _, _, rows, columns = wanted.shape
    # Padding is read off the shapes: some networks pad outside of the convolution's own attribute,
    # the odd pixel below and to the right.
    gaps = [
        max(0, (out - 1) * step + (size - 1) * wide_by + 1 - into)
        for out, step, size, wide_by, into in (
            (columns, right, wide, spread[1], given.shape[3]),
            (rows, down, high, spread[0], given.shape[2]),
        )
    ]
    own = conv.padding if isinstance(conv.padding, tuple) else (0, 0)
    sides = []
    for gap, before in zip(gaps, (own[1], own[0]), strict=True):
        first = before if before and gap <= 2 * before else gap // 2
        sides += [first, max(gap - first, 0)]
    padded = nn.functional.pad(given, sides)
    count = len(given) * rows * columns
    places = torch.randperm(count, generator=generator)[:most]
    image, rest = places // (rows * columns), places % (rows * columns)
    top, left = rest // columns * down, rest % columns * right
    found = [
        padded[image, :, top + i * spread[0], left + j * spread[1]]
        for i in range(high)
        for j in range(wide)
    ]
    patches = torch.stack(found, dim=2).flatten(1)
    targets = wanted.permute(0, 2, 3, 1).flatten(0, 2)[places]
    return patches, targets
