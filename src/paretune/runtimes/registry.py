"""Which runtimes there are, and which of them this machine has.

A runtime is registered by where its class is, so that listing runtimes imports none of them.
"""

from __future__ import annotations

import importlib
from importlib import metadata

from paretune.core import InputError, Noun
from paretune.runtimes.base import Runtime

_LOCATIONS: dict[str, str] = {
    "torch-eager": "paretune.runtimes._torch_eager:TorchEager",
    "torch-compile": "paretune.runtimes._torch_compile:TorchCompile",
    "onnxruntime": "paretune.runtimes._onnxruntime:OnnxRuntime",
    "openvino": "paretune.runtimes._openvino:OpenVino",
}


class Availability(Noun):
    """Whether a runtime can be used here.

    Attributes:
        version: version of its main distribution, None where it cannot be used.
        reason: why it cannot be used and how to mend it, empty where it can.
    """

    version: str | None
    reason: str = ""

    def __bool__(self) -> bool:
        """Whether it can be used."""
        return self.version is not None

    def __str__(self) -> str:
        """The version, or the reason there is none."""
        return self.version or self.reason


def register(name: str, location: str) -> None:
    """Add a runtime, or replace one.

    Args:
        name: how variants name it, such as `openvino`.
        location: `package.module:Class` of a `Runtime` whose module imports lightly.
    """
    _LOCATIONS[name] = location


def names() -> tuple[str, ...]:
    """Every registered runtime, installed or not, in the order they are tried."""
    return tuple(_LOCATIONS)


def get(name: str) -> Runtime:
    """The runtime of that name, installed or not.

    Raises:
        InputError: no runtime has that name.
    """
    if name not in _LOCATIONS:
        raise InputError(f"there is no runtime named {name!r}: choose from {', '.join(names())}")
    module, _, attribute = _LOCATIONS[name].partition(":")
    runtime: Runtime = getattr(importlib.import_module(module), attribute)()
    return runtime


def available() -> dict[str, Availability]:
    """Every registered runtime with its version here, or the reason it is missing.

    Only looks at what is installed; nothing heavy is imported.
    """
    return {name: _availability(get(name)) for name in names()}


def _availability(runtime: Runtime) -> Availability:
    missing = [package for package in runtime.packages if not _version(package)]
    if missing:
        named = " and ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        return Availability(
            version=None, reason=f"{named} {verb} not installed: pip install {runtime.install}"
        )
    return Availability(version=_version(runtime.packages[0]))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
