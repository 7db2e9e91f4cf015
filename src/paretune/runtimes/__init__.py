"""The ways to execute a model: one file a runtime, all behind `Runtime`.

Importing this package imports no machine-learning library; each runtime imports its own inside
its methods.
"""

from paretune.runtimes._pt2 import load as read_exported
from paretune.runtimes.base import Array, Feeds, Program, Runtime, Session, Settings, as_feeds
from paretune.runtimes.registry import Availability, available, get, names, register

__all__ = [
    "Array",
    "Availability",
    "Feeds",
    "Program",
    "Runtime",
    "Session",
    "Settings",
    "as_feeds",
    "available",
    "get",
    "names",
    "read_exported",
    "register",
]
