"""Finding the parts of a network that can be replaced, without knowing the network."""

from paretune.search.blocks._find import EXAMPLES, find
from paretune.search.blocks.base import Block

__all__ = ["EXAMPLES", "Block", "find"]
