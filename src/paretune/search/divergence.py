"""How far the outputs of one network are from those of another: the rule of every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Least probability that is told from 0, and by how much a distribution's sum may be off.
LEAST, ROUNDING = 1e-6, 1e-2


def divergence(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float = 1.0, *, scores: bool = True
) -> torch.Tensor:
    """Distance of outputs, a scalar; 0 for the teacher's own.

    For scores (n, classes) the Kullback-Leibler divergence from the teacher's distribution to the
    student's in nats, at a temperature and scaled by its square so that gradients keep their size
    (Hinton et al. 2015, arXiv 1503.02531, section 2). For anything else, whose values mean
    something themselves, the mean squared error over the teacher's variance.

    Args:
        student: outputs, (n, ...).
        teacher: outputs, same shape.
        temperature: that scores are divided by.
        scores: whether outputs of shape (n, classes) are class scores.
    """
    from torch.nn import functional as F

    student, teacher = student.float(), teacher.float()
    if scores and teacher.ndim == 2 and teacher.shape[1] > 1:
        if _are_probabilities(teacher):  # of a model that ends in a softmax
            student, teacher = (x.clamp_min(LEAST).log() for x in (student, teacher))
        return temperature**2 * F.kl_div(
            F.log_softmax(student / temperature, 1),
            F.log_softmax(teacher / temperature, 1),
            reduction="batchmean",
            log_target=True,
        )
    return normalised_mse(student, teacher)


def _are_probabilities(scores: torch.Tensor) -> bool:
    """Whether all rows are distributions: no logits of a real network are."""
    sums = scores.sum(1)
    return bool((scores.min() >= 0) & ((sums - 1).abs().max() < ROUNDING))


def normalised_mse(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean squared error over the teacher's variance, a scalar: 1 is no better than its mean."""
    student, teacher = student.float(), teacher.float()
    return (student - teacher).square().mean() / teacher.var().clamp_min(1e-8)
