"""The loop that spends a budget: the same for every strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paretune.core import InputError
from paretune.search.comparators._oracle import Cached, Evaluation, Oracle
from paretune.search.comparators._strategy import Strategy
from paretune.search.space import Choice

#: A strategy that asks this often in a row for what is known already has nothing left to ask.
_STUCK = 1000


@dataclass(frozen=True)
class Trial:
    """One architecture that a search paid for.

    Attributes:
        choice: the architecture, bool (m,).
        evaluation: what was found out.
        spent: training FLOPs of the search up to and including this trial.
    """

    choice: Choice
    evaluation: Evaluation
    spent: float


def run(
    strategy: Strategy,
    oracle: Oracle,
    *,
    budget: float,
    until: Callable[[Trial], bool] | None = None,
) -> tuple[Trial, ...]:
    """Search until the budget is spent.

    An architecture asked for again is answered from memory: the strategy learns from it, nothing
    is spent. The search ends before the trial that would exceed the budget counts, or when the
    strategy asks only for what it knows.

    Args:
        strategy: who proposes.
        oracle: who answers.
        budget: training FLOPs.
        until: asked after every trial; true ends the search.

    Returns:
        Every trial that was paid for, in order.

    Raises:
        InputError: the budget is not above 0.
    """
    if not budget > 0:
        raise InputError(f"a search needs a budget of training FLOPs above 0, got {budget}")
    cached, trials, spent, repeats = Cached(oracle), [], 0.0, 0
    while repeats < _STUCK:
        choice = strategy.ask()
        evaluation = cached.evaluate(choice)
        spent += evaluation.cost
        if spent > budget:
            break
        strategy.tell(choice, evaluation)
        repeats = repeats + 1 if evaluation.cost == 0 else 0
        if evaluation.cost > 0:
            trials.append(Trial(choice.copy(), evaluation, spent))
            if until is not None and until(trials[-1]):
                break
    return tuple(trials)
