"""What may be done to an image: that through which the teacher knows it for what it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from paretune.search.finish._augment import views
from paretune.search.finish._loss import first
from paretune.search.flops import flops
from paretune.search.shares import RATE

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.finish._batches import Batches

    Change = Callable[[list[torch.Tensor]], list[torch.Tensor]]

#: Share of mirrored images on which the teacher must answer as before for flips to be allowed.
SAME = 0.9
#: The same of moved ones: a teacher that had seen images moved by 1/16 kept 0.95 of its answers at
#: 1/16 and 0.88 at 1/8, one that had seen 1/8 kept 0.95 at 1/8.
SAME_MOVED = 0.93
#: Shifts that it is asked about, in parts of the image's size.
SHIFTS = (0.125, 0.0625, 0.03125)
#: Images that are looked at for that, and how many at once.
LOOKED_AT, AT_ONCE = 512, 32
#: Of a large teacher fewer: seconds that passing them forward once is planned to take, and the
#: fewest that tell something.
LOOKING, FEWEST_LOOKED_AT = 20.0, 128


class Known:
    """Asks a teacher whether some images keep their first class through a change.

    `asked` is the number of images that it was asked about, each as often as it was.

    Args:
        teacher: in eval mode, on `device`.
        batches: of images, float (n, C, H, W); the first samples are looked at.
        device: where the teacher is.
        scores: whether its answers are scores of classes; values have no first class to keep, and
            may have a place in the image.
    """

    def __init__(
        self, teacher: nn.Module, batches: Batches, device: torch.device, *, scores: bool
    ) -> None:
        self._teacher, self._batches, self._device = teacher, batches, device
        self._scores = scores
        self.asked = 0

    def mirrored(self) -> bool:
        """Whether images may be mirrored.

        Digits and letters change their meaning in a mirror, most photographs do not, and which it
        is the teacher can tell: where its first class stays the same on `SAME` of the images.
        """
        kept = self._kept(lambda inputs: [images.flip(-1) for images in inputs])
        return kept is not None and kept >= SAME

    def shift(self) -> float:
        """The largest of `SHIFTS` that images may be moved by, in parts of their size, else 0.

        Of images that it never saw moved so far a teacher knows little, and its answers mislead.
        Where they have no first class to compare, the smallest.
        """
        for shift in SHIFTS:
            kept = self._kept(
                partial(views, random=np.random.default_rng(0), shift=shift, flip=False)
            )
            if kept is None:
                return SHIFTS[-1]
            if kept >= SAME_MOVED:
                return shift
        return 0.0

    def _kept(self, change: Change) -> float | None:
        """Share of the images that keep their class; None where there are no classes."""
        if self._before is None:
            return None
        after = self._classes(change)
        return None if after is None else float((self._before == after).double().mean())

    @cached_property
    def _looked_at(self) -> int:
        """Images that are looked at: planned from operations, so that it is the same each time."""
        one = [x.to(self._device) for x in self._batches.inputs(self._batches.some(1))]
        able = int(LOOKING * RATE / max(flops(self._teacher, one) / 2, 1))
        return min(LOOKED_AT, max(able, FEWEST_LOOKED_AT))

    @cached_property
    def _before(self) -> torch.Tensor | None:
        return self._classes(list) if self._scores else None

    def _classes(self, change: Change) -> torch.Tensor | None:
        """First classes after a change, int64 (n,); None where answers are no scores of classes."""
        import torch

        some = self._batches.some(self._looked_at)
        size, found = self._batches.at_once(AT_ONCE), []
        for start in range(0, len(some), size):
            rows = some[start : start + size]
            inputs = [x.to(self._device) for x in self._batches.inputs(rows)]
            self.asked += len(inputs[0])
            with torch.no_grad():
                answer = first(self._teacher(*change(inputs)))
            if answer.ndim != 2:
                return None
            found.append(answer.argmax(1))
        return torch.cat(found)
