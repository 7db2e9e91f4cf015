"""One augmented view of a batch, which teacher and student both see.

Images are float tensors (n, C, H, W), already normalised. Other inputs, such as tokens, stay as
they are: nothing is known of what may be done to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.finish._batches import Batches

#: Share of mirrored images on which the teacher must answer as before for flips to be allowed.
SAME = 0.9
#: The same of moved ones: a teacher that had seen images moved by 1/16 kept 0.95 of its answers at
#: 1/16 and 0.88 at 1/8, one that had seen 1/8 kept 0.95 at 1/8.
SAME_MOVED = 0.93
#: Shifts that it is asked about, in parts of the image's size.
SHIFTS = (0.125, 0.0625, 0.03125)
#: Images that are looked at for that, and how many at once.
LOOKED_AT, AT_ONCE = 512, 32


def are_images(inputs: Sequence[torch.Tensor]) -> bool:
    """Whether every input is a batch of float images, (n, C, H, W)."""
    return all(x.ndim == 4 and x.is_floating_point() for x in inputs)


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


def flips_hold(teacher: nn.Module, batches: Batches, device: torch.device) -> bool:
    """Whether the teacher knows a mirrored image for what it was.

    Digits and letters change their meaning in a mirror, most photographs do not, and which it is
    the teacher can tell: flips are allowed where its first class stays the same on `SAME` of the
    images.
    """
    before = _classes(teacher, batches, device)
    after = _classes(teacher, batches, device, lambda images: images.flip(-1))
    return before is not None and after is not None and _same(before, after) >= SAME


def known_shift(teacher: nn.Module, batches: Batches, device: torch.device) -> float:
    """The largest of `SHIFTS` after which the teacher knows an image for what it was, else 0.

    Of images that it never saw moved so far it knows little, and its answers mislead. Where they
    have no first class to compare, the smallest.
    """
    before = _classes(teacher, batches, device)
    for shift in SHIFTS:
        moved = partial(view, random=np.random.default_rng(0), shift=shift, flip=False)
        after = _classes(teacher, batches, device, moved)
        if before is None or after is None:
            return SHIFTS[-1]
        if _same(before, after) >= SAME_MOVED:
            return shift
    return 0.0


def _same(before: torch.Tensor, after: torch.Tensor) -> float:
    return float((before == after).double().mean())


def _classes(
    teacher: nn.Module,
    batches: Batches,
    device: torch.device,
    changed: Callable[[torch.Tensor], torch.Tensor] = lambda images: images,
) -> torch.Tensor | None:
    """First classes of some images after a change, int64 (n,); None where there are no classes."""
    import torch

    from paretune.search.finish._loss import first

    rows = batches.some(LOOKED_AT)
    found = []
    for start in range(0, len(rows), AT_ONCE):
        inputs = [x.to(device) for x in batches.inputs(rows[start : start + AT_ONCE])]
        if not are_images(inputs):
            return None
        with torch.no_grad():
            answer = first(teacher(*(changed(x) for x in inputs)))
        if answer.ndim != 2:
            return None
        found.append(answer.argmax(1))
    return torch.cat(found)
