"""Normalised mean squared error: what candidates are trained to lower and judged by."""

from __future__ import annotations

import torch

#: Share of the mean variance that is added to each channel's, so that a channel that is nearly
#: constant does not outweigh all others.
FLOOR = 0.01


def channel_variance(y: torch.Tensor, *, image: bool) -> torch.Tensor:
    """Variance of each channel, shaped to divide what `y` is shaped like.

    Args:
        y: outputs of the baseline, float (n, c, h, w) if an image, else (n, ..., d).
        image: whether the channels are on axis 1; they are the last axis otherwise.
    """
    axis = 1 if image else y.dim() - 1
    others = [a for a in range(y.dim()) if a != axis]
    variance = y.float().var(dim=others, correction=0, keepdim=True)
    return variance + FLOOR * variance.mean() + 1e-12


def normalised_error(
    made: torch.Tensor, wanted: torch.Tensor, variance: torch.Tensor
) -> torch.Tensor:
    """Mean over channels of the squared error over the channel's variance; 1 for the mean itself.

    Args:
        made: outputs of the candidate.
        wanted: outputs of the baseline, same shape.
        variance: as `channel_variance` gives it.
    """
    return ((made.float() - wanted.float()).square() / variance).mean()
