"""Which runtimes there are, and which of them this machine has.

A runtime is registered by where its class is, so that listing runtimes imports none of them. Those
that are added stand in the environment too, where the processes that build and measure find them.
"""

from __future__ import annotations

import importlib
import os
from importlib import metadata

from paretune.core import DEVICES, InputError, Noun, Target
from paretune.runtimes.base import Runtime

_LOCATIONS: dict[str, str] = {
    "torch-eager": "paretune.runtimes._torch_eager:TorchEager",
    "torch-graph": "paretune.runtimes._torch_graph:TorchGraph",
    "torch-compile": "paretune.runtimes._torch_compile:TorchCompile",
    "onnxruntime": "paretune.runtimes._onnxruntime:OnnxRuntime",
    "onnxruntime-cuda": "paretune.runtimes._ort_cuda:OnnxRuntimeCuda",
    "onnxruntime-tensorrt": "paretune.runtimes._ort_tensorrt:OnnxRuntimeTensorrt",
    "openvino": "paretune.runtimes._openvino:OpenVino",
}
#: Environment variable of added runtimes: `name=package.module:Class`, separated by commas.
ADDED = "PARETUNE_RUNTIMES"


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
    """Add a runtime, or replace one, here and in processes that this one starts from now on.

    Args:
        name: how variants name it, such as `openvino`.
        location: `package.module:Class` of a `Runtime` whose module imports lightly.
    """
    added = _added() | {name: location}
    os.environ[ADDED] = ",".join(f"{key}={value}" for key, value in added.items())


def _added() -> dict[str, str]:
    """Runtimes that the environment names.

    Raises:
        InputError: the environment variable does not read as a list of runtimes.
    """
    pairs = [pair.partition("=") for pair in os.environ.get(ADDED, "").split(",") if pair]
    for name, _, location in pairs:
        if not name or ":" not in location:
            raise InputError(f"{ADDED} cannot be read at {name!r}: write name=package.module:Class")
    return {name: location for name, _, location in pairs}


def _locations() -> dict[str, str]:
    """Where every runtime's class is."""
    return _LOCATIONS | _added()


def names() -> tuple[str, ...]:
    """Every registered runtime, installed or not, in the order they are tried."""
    return tuple(_locations())


def get(name: str) -> Runtime:
    """The runtime of that name, installed or not.

    Raises:
        InputError: no runtime has that name.
    """
    locations = _locations()
    if name not in locations:
        raise InputError(f"there is no runtime named {name!r}: choose from {', '.join(locations)}")
    module, _, attribute = locations[name].partition(":")
    try:
        runtime: Runtime = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"runtime {name} cannot be loaded from {locations[name]} ({error}): check where its "
            "class is"
        ) from error
    return runtime


def available(target: Target | None = None) -> dict[str, Availability]:
    """Every registered runtime with its version here, or the reason it is missing.

    Only looks at what is installed; nothing heavy is imported.

    Args:
        target: leaves out what could not run there even if it were installed.
    """
    found = {name: get(name) for name in names()}
    return {
        name: _availability(runtime)
        for name, runtime in found.items()
        if target is None or any(runtime.precisions(target, device) for device in DEVICES)
    }


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
