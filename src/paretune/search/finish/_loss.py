"""How far a student's function is from its teacher's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paretune.search.divergence import divergence

if TYPE_CHECKING:
    import torch

    from paretune.search.finish.recipe import Recipe


def first(outputs: Any) -> torch.Tensor:
    """The output that is scored: the first one."""
    tensor: torch.Tensor = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    return tensor


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

    soft = divergence(student, teacher, recipe.temperature, scores=recipe.scores)
    if truth is None or recipe.hard_weight == 0:
        return soft
    hard = F.cross_entropy(student.float(), truth)
    return (1 - recipe.hard_weight) * soft + recipe.hard_weight * hard


def blame(
    inputs: Sequence[torch.Tensor], answer: torch.Tensor, loss: torch.Tensor, number: int
) -> str:
    """Where what is not finite came in."""
    where = f"at step {number + 1}"
    if not all(bool(x.isfinite().all()) for x in inputs):
        return f"inputs are not finite {where}"
    if not bool(answer.isfinite().all()):
        return f"the teacher's answers are not finite {where}"
    return f"the loss is {float(loss.detach())} {where}"
