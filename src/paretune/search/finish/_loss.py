"""How far a student's function is from its teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from paretune.search.finish.recipe import Recipe


def first(outputs: Any) -> torch.Tensor:
    """The output that is scored: the first one."""
    tensor: torch.Tensor = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    return tensor


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Distance of outputs, a scalar.

    For scores (n, classes) the Kullback-Leibler divergence from the teacher's distribution to the
    student's, at a temperature and scaled by its square so that gradients keep their size (Hinton
    et al. 2015, arXiv 1503.02531, section 2). For anything else the mean squared error over the
    teacher's variance.
    """
    from torch.nn import functional as F

    student, teacher = student.float(), teacher.float()
    if teacher.ndim == 2 and teacher.shape[1] > 1:
        return temperature**2 * F.kl_div(
            F.log_softmax(student / temperature, 1),
            F.log_softmax(teacher / temperature, 1),
            reduction="batchmean",
            log_target=True,
        )
    return normalised_mse(student, teacher)


def normalised_mse(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean squared error over the teacher's variance, a scalar: 1 is no better than its mean."""
    student, teacher = student.float(), teacher.float()
    return (student - teacher).square().mean() / teacher.var().clamp_min(1e-8)


def objective(
    student: torch.Tensor, teacher: torch.Tensor, truth: torch.Tensor | None, recipe: Recipe
) -> torch.Tensor:
    """The whole loss on outputs, a scalar.

    Args:
        student: scores, float (n, classes).
        teacher: scores, float (n, classes).
        truth: distribution over classes, float (n, classes); None where there are no labels.
        recipe: temperature and weights.
    """
    from torch.nn import functional as F

    soft = divergence(student, teacher, recipe.temperature)
    if truth is None or recipe.hard_weight == 0:
        return soft
    hard = F.cross_entropy(student.float(), truth)
    return (1 - recipe.hard_weight) * soft + recipe.hard_weight * hard
