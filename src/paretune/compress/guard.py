"""The accuracy guard: which programs may be chosen, and when another recipe is worth trying."""

from __future__ import annotations

from collections.abc import Sequence

from paretune.core import Constraint, Score


def broken(scored: Score, baseline: Score, guard: Sequence[Constraint]) -> str:
    """Why a score may not be chosen, empty when it may.

    Args:
        scored: of the program, on the split that choices are made on.
        baseline: of the model as it came, same samples.
        guard: constraints on accuracy.
    """
    for constraint in guard:
        if not constraint.satisfied(scored.value, baseline.value):
            change = 100 * (scored.value - baseline.value)
            return f"{constraint.text} is not met: {scored.value:.4f} ({change:+.2f} pt)"
    return ""
