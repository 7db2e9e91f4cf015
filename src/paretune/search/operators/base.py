"""The one face of every operator: what a run of blocks may become."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.network.site import Site

Params = dict[str, Any]


class Operator(ABC):
    """One kind of replacement. Stateless; heavy imports happen inside its methods."""

    name: ClassVar[str]

    @abstractmethod
    def propose(self, site: Site) -> Iterator[Params]:
        """Parameters with which it can be applied there, the most promising first.

        Nothing is proposed that would change nothing, or that cannot be built.
        """

    @abstractmethod
    def build(self, site: Site, params: Params, *, seed: int) -> nn.Module:
        """The replacement, in eval mode, with weights inherited wherever shapes allow.

        It is a module of its own that takes the run's input tensor and gives a tensor of its
        output's shape. One that must be passed what the block was passed besides, such as an
        attention mask, has an attribute `takes_extras = True`.

        Args:
            site: the blocks to replace; their weights are never changed.
            params: as proposed.
            seed: of weights that cannot be inherited.
        """

    @abstractmethod
    def words(self, params: Params) -> str:
        """What happens to the blocks, for a report: `skipped`, `hidden width halved`."""
