"""Choosing architectures by numbers: integer programmes, and a genetic search seeded by them."""

from paretune.search.solve._cuts import Cut, apart
from paretune.search.solve._front import budgets, front
from paretune.search.solve._pareto import hypervolume, nondominated
from paretune.search.solve._programme import best, cheapest
from paretune.search.solve._reach import Reach, reach
from paretune.search.solve._refine import refine

__all__ = [
    "Cut",
    "Reach",
    "apart",
    "best",
    "budgets",
    "cheapest",
    "front",
    "hypervolume",
    "nondominated",
    "reach",
    "refine",
]
