"""One augmented view of a batch, which teacher and student both see.

Images are float tensors (n, C, H, W), already normalised. Other inputs, such as tokens, stay as
they are: nothing is known of what may be done to them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def are_images(inputs: Sequence[torch.Tensor]) -> bool:
    """Whether every input is a batch of float images, (n, C, H, W)."""
    return all(x.ndim == 4 and x.is_floating_point() for x in inputs)


def views(
    inputs: Sequence[torch.Tensor], random: np.random.Generator, *, shift: float, flip: bool
) -> list[torch.Tensor]:
    """A `view` of every input, a sample's images all alike: what they show belongs together."""
    chances = [*(copy.deepcopy(random) for _ in inputs[1:]), random]
    return [
        view(images, chance, shift=shift, flip=flip)
        for images, chance in zip(inputs, chances, strict=True)
    ]


def view(
    images: torch.Tensor, random: np.random.Generator, *, shift: float, flip: bool
) -> torch.Tensor:
    """Each image shifted and mirrored at random, in channels-last memory.

    What is shifted in repeats the edge: the value of black is not known here.

    Args:
        images: float (n, C, H, W).
        random: where chance comes from.
        shift: largest shift in parts of height and width.
        flip: whether half of them are mirrored.
    """
    import torch

    n, _, height, width = images.shape
    reach = (round(height * shift), round(width * shift))
    places = []
    for size, most in zip((height, width), reach, strict=True):
        offsets = random.integers(-most, most + 1, size=(n, 1))
        places.append(np.clip(np.arange(size)[None, :] + offsets, 0, size - 1))
    if flip:
        mirrored = random.random(n) < 0.5
        places[1][mirrored] = places[1][mirrored, ::-1]
    ys, xs = (torch.from_numpy(place).to(images.device) for place in places)
    sample = torch.arange(n, device=images.device)[:, None, None]
    # Indexing pixels with the channels last makes (n, H, W, C): channels-last once permuted.
    return images.permute(0, 2, 3, 1)[sample, ys[:, :, None], xs[:, None, :]].permute(0, 3, 1, 2)


def mixing(n: int, random: np.random.Generator, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Partner, int64 (n,), and share, float32 (n,), of each sample for mixup.

    Source: Zhang et al. 2018 (arXiv 1710.09412), with a share of its own for each sample.
    """
    import torch

    partner = random.permutation(n)
    share = random.beta(alpha, alpha, size=n).astype(np.float32)
    return torch.from_numpy(partner), torch.from_numpy(share)


def mixed(x: torch.Tensor, partner: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Each sample's share of itself and the rest of its partner; x is float (n, ...)."""
    weight = share.to(x.device, x.dtype).reshape(-1, *[1] * (x.ndim - 1))
    return x * weight + x[partner.to(x.device)] * (1 - weight)
