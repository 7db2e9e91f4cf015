"""Compilation and quantisation: programs built once each, guarded by accuracy."""

from paretune.compress._travel import obstacle
from paretune.compress.build import Builds
from paretune.compress.guard import broken

__all__ = ["Builds", "broken", "obstacle"]
