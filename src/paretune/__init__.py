"""Paretune: compile and quantise a trained model for the CPU it must run on, with the evidence.

The public names below load on first use, so that `import paretune` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from paretune._telemetry import silence
from paretune._version import __version__

silence()

if TYPE_CHECKING:
    from paretune.artifact import load
    from paretune.core import InputError, ParetuneError
    from paretune.data import load_data
    from paretune.pipeline.bench import bench
    from paretune.pipeline.frontier import frontier
    from paretune.pipeline.optimize import optimize
    from paretune.pipeline.roofline import roofline
    from paretune.pipeline.suggest import suggest
    from paretune.sources import load_model

__all__ = [
    "InputError",
    "ParetuneError",
    "__version__",
    "bench",
    "frontier",
    "load",
    "load_data",
    "load_model",
    "optimize",
    "roofline",
    "suggest",
]

_HOMES = {
    "InputError": "paretune.core",
    "ParetuneError": "paretune.core",
    "bench": "paretune.pipeline",
    "frontier": "paretune.pipeline.frontier",
    "load": "paretune.artifact",
    "load_data": "paretune.data",
    "load_model": "paretune.sources",
    "optimize": "paretune.pipeline",
    "roofline": "paretune.pipeline.roofline",
    "suggest": "paretune.pipeline.suggest",
}


def __getattr__(name: str) -> Any:
    """Import the module a public name lives in when the name is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
