"""What a search is to the loop that runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from paretune.search.comparators._oracle import Evaluation
from paretune.search.space import Choice


class Strategy(ABC):
    """Proposes one architecture after the other and learns from each.

    The loop calls `ask`, evaluates, calls `tell` with the answer, and so on; a strategy needs no
    knowledge of budgets.
    """

    @abstractmethod
    def ask(self) -> Choice:
        """The architecture to evaluate next, bool (m,)."""

    @abstractmethod
    def tell(self, choice: Choice, evaluation: Evaluation) -> None:
        """Learn what came of the architecture that was asked for last."""
