"""What the teacher said, remembered: all students of one halving see the same views."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Bytes of answers that are remembered at most.
MOST_BYTES = 256 * 2**20


class Answers:
    """A teacher's answers by step, where what does not fit is asked again, and to changed images.

    `flips` says whether it knows a mirrored image for what it was, and `shift` how far an image may
    be moved; None until it was asked.

    Valid for one teacher, one recipe, one seed and one set of samples: whoever shares it between
    trainings answers for that.

    Args:
        most: bytes to remember at most.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._known: dict[int, torch.Tensor] = {}
        self._left = most
        self.flips: bool | None = None
        self.shift: float | None = None

    def of(self, step: int) -> torch.Tensor | None:
        """Answers at a step, batch on axis 0, None where they are not known."""
        return self._known.get(step)

    def room(self, size: int) -> bool:
        """Whether there is room for so many bytes more."""
        return size <= self._left

    def remember(self, step: int, answers: torch.Tensor) -> None:
        """Keep the answers at a step, as long as there is room."""
        if step not in self._known and self.room(answers.nbytes):
            self._known[step] = answers
            self._left -= answers.nbytes
