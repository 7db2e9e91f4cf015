"""From blocks and operators to the space: everything that each run of blocks may become."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from paretune.search.blocks import Block
from paretune.search.operators import Operator, Params, get, operators
from paretune.search.space import KEEP, Option, Space

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.network.site import Flow, Site

#: A stage is cut into so many equal parts at most, each of which may be merged into one block:
#: every run of every length would make thousands of candidates, most of them near copies.
PARTS = 4
#: Samples that a replacement is built on whose weights are loaded after: its statistics need two.
FILLED_SAMPLES = 2


class Proposals:
    """What the blocks of one network may become.

    Args:
        module: the baseline in eval mode.
        blocks: its blocks.
        flowing: what each block receives and gives for a few real samples.
        using: names of the operators to use, all by default.
        space: the options to work with, where they are known; all that are proposed by default.
    """

    def __init__(
        self,
        module: nn.Module,
        blocks: Sequence[Block],
        flowing: Sequence[Flow],
        using: Sequence[str] = (),
        space: Space | None = None,
    ) -> None:
        self.module = module
        self.blocks = tuple(blocks)
        self.flowing = tuple(flowing)
        self._using = [get(name) for name in using] or list(operators())
        self.space = space or Space(blocks=len(self.blocks), options=tuple(self._options()))

    def on(self, space: Space) -> Proposals:
        """The same with fewer options."""
        return Proposals(self.module, self.blocks, self.flowing, space=space)

    def site(self, option: Option) -> Site:
        """Where an option stands."""
        return self._site(option.first, option.last)

    def build(self, option: Option, *, seed: int) -> nn.Module:
        """The replacement with its inherited weights; the copied block for one that is kept."""
        import copy

        site = self.site(option)
        if option.operator == KEEP:
            return copy.deepcopy(site.module)
        return get(option.operator).build(site, option.params, seed=seed)

    def filled(self, option: Option, state: Mapping[str, torch.Tensor]) -> nn.Module:
        """The replacement with these weights, by name, in eval mode.

        Nothing is inherited first, which takes least squares on real inputs.
        """
        from dataclasses import replace

        from paretune.search.network.fill import fill

        site = self.site(option)
        few = replace(site, flow=site.flow.head(FILLED_SAMPLES))
        piece = get(option.operator).build(few, option.params, seed=0)
        fill(piece, state)
        return piece

    def words(self, option: Option) -> str:
        """What an option does, for a report."""
        if option.operator == KEEP:
            return "kept"
        return get(option.operator).words(option.params)

    def _site(self, first: int, last: int) -> Site:
        from paretune.search.network.site import site

        return site(self.module, self.blocks, self.flowing, first, last)

    def _options(self) -> Iterator[Option]:
        for block in self.blocks:
            yield self._option(block.index, block.index, KEEP, {})
            yield from self._proposed(block.index, block.index, self._using)
        for first, last in merges(self.blocks):
            yield from self._proposed(first, last, self._using)

    def _proposed(self, first: int, last: int, using: Sequence[Operator]) -> Iterator[Option]:
        site = self._site(first, last)
        for operator in using:
            for params in operator.propose(site):
                yield self._option(first, last, operator.name, params)

    def _option(self, first: int, last: int, operator: str, params: Params) -> Option:
        run = self.blocks[first : last + 1]
        place = f"b{first}" if first == last else f"b{first}-{last}"
        shapes = "/".join(
            f"{b.kind}:{b.input_shape}:{b.output_shape}:{b.params}:{b.macs}" for b in run
        )
        return Option(
            id=f"{place}:{_text(operator, params)}",
            first=first,
            last=last,
            operator=operator,
            params=params,
            signature=f"{operator}{json.dumps(params, sort_keys=True)}|{shapes}",
        )


def _text(operator: str, params: Params) -> str:
    """An operator with its parameters, as it reads in an id."""
    inside = ",".join(
        f"{key}={_plain(value)}" for key, value in params.items() if not isinstance(value, bool)
    )
    return f"{operator}({inside})" if inside else operator


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def stages(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """(first, last) of runs with nothing between, cut before each block that changes the shape."""
    found: list[tuple[int, int]] = []
    for block in blocks:
        changes = block.input_shape != block.output_shape
        if block.follows and not changes and found and found[-1][1] == block.index - 1:
            found[-1] = (found[-1][0], block.index)
        else:
            found.append((block.index, block.index))
    return found


def merges(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """Runs worth merging: (first, last) of two blocks or more.

    Each stage is cut into 1, 2, ... equal parts. And where the next stage follows with nothing
    between, its first block may be merged with the last of this one or with all of it: then what
    was done at the larger size is done at the smaller.
    """
    found: dict[tuple[int, int], None] = {}
    for first, last in stages(blocks):
        length = last - first + 1
        for parts in range(1, min(PARTS, length) + 1):
            edges = [first + round(i * length / parts) for i in range(parts + 1)]
            for begin, end in pairwise(edges):
                if end - begin > 1:
                    found[begin, end - 1] = None
    for (first, last), (after, _) in pairwise(stages(blocks)):
        if blocks[after].follows and after == last + 1:
            found[last, after] = None
            found[first, after] = None
    return list(found)
