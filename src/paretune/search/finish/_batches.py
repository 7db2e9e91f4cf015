"""Which samples a step sees: a function of seed and step, so that any step can be taken again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.data import ArrayFolder

if TYPE_CHECKING:
    import torch

#: Fewest samples that training makes sense with: BatchNorm needs two.
FEWEST = 2


class Batches:
    """Batches of one process among `world`.

    `size` samples a step over all processes, `local` in this one, `steps` in one epoch; `at_once`
    as of the arrays.

    Args:
        arrays: prepared inputs.
        size: samples a step over all processes; fewer where there are not that many.
        seed: of the order.
        rank: of this process.
        world: number of processes.

    Raises:
        InputError: too few samples to train on.
    """

    def __init__(
        self, arrays: ArrayFolder, *, size: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        if arrays.n < FEWEST * world:
            raise InputError(
                f"the train split has {arrays.n} samples, too few to distil on: "
                f"give at least {FEWEST * world}"
            )
        # Every process gets as many as the others.
        self.size = max(min(size, arrays.n) // world, FEWEST) * world
        self.steps = max(1, arrays.n // self.size)
        self._feeds = list(arrays.feeds(0, arrays.n).values())
        self._labels = arrays.labels()
        self.at_once = arrays.at_once
        self.local, self._n, self._seed = self.size // world, arrays.n, seed
        self._rank, self._world = rank, world
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def rows(self, step: int) -> NDArray[np.int64]:
        """Samples that this process takes at a step, int64 (size / world,)."""
        return self.all_rows(step)[self._rank :: self._world]

    def some(self, n: int) -> NDArray[np.int64]:
        """At most `n` samples, the same for every process, int64."""
        self.all_rows(0)
        return self._order[1][:n]

    def all_rows(self, step: int) -> NDArray[np.int64]:
        """Samples that all processes together take at a step, int64 (size,)."""
        epoch, place = divmod(step, self.steps)
        if self._order[0] != epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._n)
            self._order = (epoch, order)
        return self._order[1][place * self.size : (place + 1) * self.size]

    def random(self, step: int) -> np.random.Generator:
        """Where the chance of a step comes from in this process."""
        return np.random.default_rng([self._seed, step, self._rank, 1])

    def inputs(self, rows: NDArray[np.int64]) -> list[torch.Tensor]:
        """Inputs in call order, batch on axis 0, in the dtype in which they are stored."""
        import torch

        return [torch.from_numpy(np.ascontiguousarray(array[rows])) for array in self._feeds]

    def labels(self, rows: NDArray[np.int64]) -> torch.Tensor | None:
        """Class indices, int64 (n,), None where there are none."""
        import torch

        return None if self._labels is None else torch.from_numpy(self._labels[rows])
