"""What is known of an architecture before it is measured whole: sums over its options.

The Kullback-Leibler divergence of a small change is quadratic in what the change does to the
logits, so swap-one scores s_o of unrelated changes add up to sum(s_o), and those that push the same
way to (sum(sqrt(s_o)))**2, which is more, and the more so the more blocks change. Both are
features, and the data say how far between them the network lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretune.search.space import KEEP, Choice, Space

Floats = NDArray[np.float64]

#: Least share of its blocks' cost that an option is taken to keep, so that a skip's logarithm is
#: finite.
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Features:
    """Columns of a choice: matrices that are multiplied with it, and curves of the products.

    Attributes:
        changed: (m,) blocks that an option changes.
        score: (m,) swap-one scores, 0 where a block is kept, or None.
        costs: (m,) or None.
        shares: (m,) logarithm of the cost of an option over that of keeping its blocks, or None.
    """

    changed: Floats
    score: Floats | None
    costs: Floats | None
    shares: Floats | None

    @classmethod
    def of(cls, space: Space, swap_one: Floats | None, costs: Floats | None) -> Features:
        """The features that the given figures allow.

        Args:
            space: the architectures.
            swap_one: (m,) divergence with one option put in; what noise took below 0 counts as 0.
            costs: (m,) FLOPs, parameters or milliseconds of each option, or None.
        """
        kept = np.array([option.operator == KEEP for option in space.options])
        spans = np.array([option.span for option in space.options], dtype=float)
        score = None if swap_one is None else np.where(kept, 0.0, np.maximum(swap_one, 0.0))
        shares = None
        if costs is not None:
            whole = space.covers[:, kept] @ costs[kept] @ space.covers
            floor = np.maximum(_LEAST_SHARE * np.abs(whole), np.finfo(float).tiny)
            shares = np.log(np.maximum(costs, floor) / np.maximum(whole, floor))
        return cls(changed=np.where(kept, 0.0, spans), score=score, costs=costs, shares=shares)

    def __call__(self, choices: Choice) -> Floats:
        """Columns (n, k) of architectures (n, m)."""
        rows = choices.astype(float)
        blocks = rows @ self.changed
        found = [blocks, blocks**2]
        if self.score is not None:
            apart, together = self.apart(choices), self.together(choices)
            # A quarter of the typical score: where nothing was lost the logarithm stays finite.
            typical = float(self.score.sum()) / max(1, int(np.count_nonzero(self.changed)))
            least = typical / 4 + np.finfo(float).tiny
            found += [apart, together, np.log(apart + least), np.log(together + least)]
        if self.shares is not None:
            found.append(rows @ self.shares)
        if self.costs is not None:
            found.append(rows @ self.costs)
        return np.stack(found, axis=1)

    def apart(self, choices: Choice) -> Floats:
        """Sum of the scores (n,): the divergence if changes do not meet. Needs scores."""
        assert self.score is not None
        return choices.astype(float) @ self.score

    def together(self, choices: Choice) -> Floats:
        """Square of the sum of their roots (n,): if all push the same way. Needs scores."""
        assert self.score is not None
        roots = choices.astype(float) @ np.sqrt(self.score)
        # Never less than apart, by rounding either.
        return np.asarray(np.maximum(roots**2, self.apart(choices)))
