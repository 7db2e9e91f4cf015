"""Production-aware architecture search that starts from the user's own trained model."""

from paretune.search.space import KEEP, Choice, Option, Space

__all__ = ["KEEP", "Choice", "Option", "Space"]
