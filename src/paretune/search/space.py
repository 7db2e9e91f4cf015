"""The space of architectures as numbers: what every model, solver and comparator works on.

A network is a row of blocks. An `Option` is what a run of consecutive blocks may become, so an
architecture is a set of options that covers every block exactly once. Written as a 0/1 vector with
one entry an option, all architectures are the solutions of a set partition, which is linear: the
integer programme, the regressions and the comparators share this one encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from paretune.core import InputError, Noun

KEEP = "keep"

#: One architecture, bool (m,), or several, bool (n, m), for m options.
Choice = NDArray[np.bool_]


class Option(Noun):
    """What the blocks `first` to `last` may become.

    Attributes:
        id: unique and readable, such as `b3-5:merge-basic(width=2)`.
        first: index of the first block it covers.
        last: index of the last block it covers, inclusive.
        operator: name of the operator; `keep` leaves its one block as it is.
        params: the operator's own parameters, plain values.
        signature: equal where two options are the same piece of network at another place, so that
            what was measured of one holds for the other; the id where nothing is known.
    """

    id: str
    first: int
    last: int
    operator: str
    params: dict[str, Any] = {}
    signature: str = ""

    @property
    def span(self) -> int:
        """How many blocks it covers."""
        return self.last - self.first + 1


class Space(Noun):
    """All architectures: every way to cover the blocks by options.

    Attributes:
        blocks: number of blocks.
        options: every option; each block has one that keeps it.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    blocks: int
    options: tuple[Option, ...]

    def model_post_init(self, _: object) -> None:
        """Refuse a space that some architecture could not be built from.

        Raises:
            InputError: a block that nothing keeps, an option outside the blocks, an id used twice.
        """
        kept = {option.first for option in self.options if option.operator == KEEP}
        if kept != set(range(self.blocks)):
            raise InputError(f"every one of the {self.blocks} blocks needs an option that keeps it")
        if any(not 0 <= o.first <= o.last < self.blocks for o in self.options):
            raise InputError("an option covers blocks that the network does not have")
        if len(set(self.index)) != len(self.options):
            raise InputError("two options have the same id")

    @cached_property
    def index(self) -> dict[str, int]:
        """Place of each option by its id."""
        return {option.id: place for place, option in enumerate(self.options)}

    @cached_property
    def covers(self) -> NDArray[np.bool_]:
        """Which option covers which block, bool (blocks, options)."""
        table = np.zeros((self.blocks, len(self.options)), dtype=bool)
        for place, option in enumerate(self.options):
            table[option.first : option.last + 1, place] = True
        return table

    @cached_property
    def starting(self) -> tuple[tuple[int, ...], ...]:
        """Options that begin at each block, those that keep it first."""
        found: list[list[int]] = [[] for _ in range(self.blocks)]
        for place, option in enumerate(self.options):
            found[option.first].append(place)
        return tuple(
            tuple(sorted(row, key=lambda place: (self.options[place].operator != KEEP, place)))
            for row in found
        )

    def count(self) -> int:
        """How many architectures there are, exactly."""
        return int(self._ways(np.ones(len(self.options), dtype=object))[0])

    def baseline(self) -> Choice:
        """The architecture that keeps every block, bool (m,)."""
        return self.of([self.options[row[0]].id for row in self.starting])

    def only(self, usable: NDArray[np.bool_]) -> Space:
        """The space of these options alone, bool (m,); those that keep a block always stay."""
        return Space(
            blocks=self.blocks,
            options=tuple(
                option
                for option, use in zip(self.options, usable, strict=True)
                if use or option.operator == KEEP
            ),
        )

    def of(self, ids: Sequence[str]) -> Choice:
        """The architecture made of these options, bool (m,).

        Raises:
            InputError: an unknown id, or the options do not cover every block exactly once.
        """
        choice = np.zeros(len(self.options), dtype=bool)
        for name in ids:
            if name not in self.index:
                raise InputError(f"the space has no option {name!r}")
            choice[self.index[name]] = True
        if not self.valid(choice):
            raise InputError("the options do not cover every block exactly once")
        return choice

    def valid(self, choice: Choice) -> bool:
        """Whether a vector covers every block exactly once."""
        return bool((self.covers.astype(int) @ choice.astype(int) == 1).all())

    def chosen(self, choice: Choice) -> tuple[Option, ...]:
        """The options of an architecture, in the order of the network."""
        picked = [self.options[place] for place in np.flatnonzero(choice)]
        return tuple(sorted(picked, key=lambda option: option.first))

    def name(self, choice: Choice) -> str:
        """Short stable name of an architecture: its options that change something."""
        changed = [o.id for o in self.chosen(choice) if o.operator != KEEP]
        return "+".join(changed) or "baseline"

    def sample(
        self, random: np.random.Generator, n: int, weights: NDArray[np.float64] | None = None
    ) -> Choice:
        """Random architectures, bool (n, m); repeats are possible.

        Args:
            random: where chance comes from.
            n: how many.
            weights: of each option, above 0, float (m,): an architecture's probability is
                proportional to the product of its options' weights; by default all are equally
                probable.
        """
        scale = np.ones(len(self.options)) if weights is None else np.asarray(weights, dtype=float)
        ways = self._ways(scale)
        found = np.zeros((n, len(self.options)), dtype=bool)
        for row in found:
            block = 0
            while block < self.blocks:
                places = self.starting[block]
                shares = np.array(
                    [scale[p] * ways[self.options[p].last + 1] / ways[block] for p in places],
                    dtype=float,
                )
                place = places[random.choice(len(places), p=shares / shares.sum())]
                row[place] = True
                block = self.options[place].last + 1
        return found

    def mutate(self, choice: Choice, random: np.random.Generator) -> Choice:
        """A neighbour: one option, where it stands, replaced by another that begins there.

        Blocks that are laid bare are kept, blocks that are newly covered give way.
        """
        blocks = [option.first for option in self.chosen(choice)]
        able = [b for b in blocks if len(self.starting[b]) > 1]
        if not able:
            return choice.copy()
        block = int(random.choice(able))
        others = [place for place in self.starting[block] if not choice[place]]
        return self.with_option(choice, int(random.choice(others)))

    def with_option(self, choice: Choice, place: int) -> Choice:
        """The architecture with this option put in; blocks left uncovered by that are kept."""
        option = self.options[place]
        result = choice.copy()
        overlap = self.covers[option.first : option.last + 1].any(axis=0)
        result[overlap] = False
        result[place] = True
        bare = ~self.covers[:, result].any(axis=1)
        for block in np.flatnonzero(bare):
            result[self.starting[block][0]] = True
        return result

    def cross(self, left: Choice, right: Choice, random: np.random.Generator) -> Choice:
        """A child that follows `left` up to a block where both begin an option, then `right`."""
        begins = {o.first for o in self.chosen(left)} & {o.first for o in self.chosen(right)}
        cut = int(random.choice(sorted(begins)))
        child = np.zeros(len(self.options), dtype=bool)
        firsts = np.array([option.first for option in self.options])
        child[left & (firsts < cut)] = True
        child[right & (firsts >= cut)] = True
        return child

    def _ways(self, scale: NDArray[Any]) -> list[Any]:
        """Total weight of the ways to cover the blocks from each block on; the last entry is 1."""
        ways: list[Any] = [0] * self.blocks + [1]
        for block in reversed(range(self.blocks)):
            ways[block] = sum(
                scale[place] * ways[self.options[place].last + 1] for place in self.starting[block]
            )
        return ways
