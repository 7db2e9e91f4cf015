"""BatchNorm statistics of a network whose inputs or weights have changed.

Once an earlier block has been replaced, what reaches a later one has another mean and variance
than its running statistics say (Li et al. 2016, arXiv 1603.04779, adapt to a new domain the same
way), and averaged weights never saw the statistics that were averaged beside them. Averages are
taken anew, exactly and equally over all batches (Wu and Johnson 2021, arXiv 2105.07576, section 3,
"precise BatchNorm").
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def even_batches(rows: range, size: int) -> list[range]:
    """Rows in batches of about `size`, in order, of as many each.

    All batches count alike in the average, so a small last one would count too much, and of one
    sample there is no variance.
    """
    count = max(1, round(len(rows) / size))
    ends = [len(rows) * k // count for k in range(count + 1)]
    return [rows[a:b] for a, b in itertools.pairwise(ends)]


def reestimate(module: nn.Module, batches: Iterable[Callable[[nn.Module], object]]) -> None:
    """Set the running statistics of every BatchNorm from what flows through it now.

    All of a network's statistics are taken in one pass with batch statistics in use, so that each
    layer sees its input as the re-estimated layers before it make it. Nothing else changes: other
    layers stay in eval mode and weights are not touched. One without running statistics has
    nothing to set.

    Args:
        module: in eval mode, and again after.
        batches: each calls the module on one batch; 256 samples in all are enough.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative average
            norm.train()
        with torch.no_grad():
            for run in batches:
                run(module)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
