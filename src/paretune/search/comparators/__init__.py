"""The searches that ours is compared with: random, evolution, and a controller that learns."""

from paretune.search.comparators._controller import Controller
from paretune.search.comparators._evolution import RegularisedEvolution
from paretune.search.comparators._oracle import Cached, Evaluation, Oracle
from paretune.search.comparators._random import RandomSearch
from paretune.search.comparators._reward import reward
from paretune.search.comparators._run import Trial, run
from paretune.search.comparators._strategy import Strategy

__all__ = [
    "Cached",
    "Controller",
    "Evaluation",
    "Oracle",
    "RandomSearch",
    "RegularisedEvolution",
    "Strategy",
    "Trial",
    "reward",
    "run",
]
