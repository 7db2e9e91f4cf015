"""The accuracy guard: which programs may be chosen, and when another recipe is worth trying."""

from __future__ import annotations

from collections.abc import Sequence

from paretune.core import Constraint, Score, quality


def broken(scored: Score, baseline: Score, guard: Sequence[Constraint]) -> str:
    """Why a score may not be chosen, empty when it may.

    Args:
        scored: of the program, on the split that choices are made on.
        baseline: of the model as it came, same samples.
        guard: constraints on accuracy or divergence.
    """
    for constraint in guard:
        value, own = (quality(score, constraint.metric) for score in (scored, baseline))
        if constraint.satisfied(value, own):
            continue
        if value is None or constraint.metric != "accuracy":
            found = "not measured" if value is None else f"{value:.4g} nats"
            return f"{constraint.text} is not met: {found}"
        change = 100 * (scored.value - baseline.value)
        return f"{constraint.text} is not met: {value:.4f} ({change:+.2f} pt)"
    return ""
