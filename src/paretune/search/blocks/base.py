"""A block: the part of a network that a search may replace."""

from __future__ import annotations

from typing import Any

from paretune.core import Noun


class Block(Noun):
    """Consecutive modules that take one tensor and give one, each called once.

    Attributes:
        index: place in the network, from 0.
        members: paths of its modules in the network, in call order; most blocks have one.
        kind: class of its module, or the classes of several joined by `+`.
        input_shape: of its input for one sample, without the batch axis.
        output_shape: of its output.
        follows: whether its input is the output of the block before, with nothing between, and
            nothing else reads that, so that the two can be merged.
        macs: multiply-accumulate operations for one sample.
        params: trainable numbers.
        outer: where its tensor stands in the output of its last module: -1 for the tensor itself,
            an index for a tuple.
        beside: all of that tuple as far as it is plain values, None in other places.
    """

    index: int
    members: tuple[str, ...]
    kind: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    follows: bool
    macs: int
    params: int
    outer: int = -1
    beside: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The path that stands for it in tables: its first module's."""
        return self.members[0]
