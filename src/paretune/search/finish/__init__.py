"""The finish: what a found architecture learns before it is measured for the last time."""

from paretune.search.finish.distil import distil
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.recipe import Recipe

__all__ = ["Distilled", "Recipe", "distil"]
