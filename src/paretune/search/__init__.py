"""Production-aware architecture search that starts from the user's own trained model."""

from paretune.search.ground import Finalist, Found, Ground
from paretune.search.search import propose, search
from paretune.search.space import KEEP, Choice, Option, Space

__all__ = [
    "KEEP",
    "Choice",
    "Finalist",
    "Found",
    "Ground",
    "Option",
    "Space",
    "propose",
    "search",
]
