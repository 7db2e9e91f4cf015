"""The finish: what a found architecture learns before it is measured for the last time."""

from paretune.search.finish._told import Within
from paretune.search.finish.distil import distil
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.halve import Halving, Standing, halve, rung_sizes
from paretune.search.finish.quantisation_aware import quantisation_aware
from paretune.search.finish.recipe import Recipe

__all__ = [
    "Distilled",
    "Halving",
    "Recipe",
    "Standing",
    "Within",
    "distil",
    "halve",
    "quantisation_aware",
    "rung_sizes",
]
