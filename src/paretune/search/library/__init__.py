"""The block library: every option of a space trained to copy the blocks that it replaces."""

from paretune.search.library._entry import Entry
from paretune.search.library._recipe import Recipe
from paretune.search.library._scores import Scores
from paretune.search.library.library import Library

__all__ = ["Entry", "Library", "Recipe", "Scores"]
