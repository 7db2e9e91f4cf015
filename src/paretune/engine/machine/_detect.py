"""The target that this machine is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from paretune.core import Target
from paretune.engine.machine import _cgroup, _cores, _gpus, _isa

#: Distributions whose version can change a measurement.
_DISTRIBUTIONS = (
    "paretune",
    "numpy",
    "torch",
    "torchao",
    "openvino",
    "nncf",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
)

#: Environment variable that caps the instruction set of a process.
ISA_CAP = "PARETUNE_ISA_CAP"


def detect(isa_cap: str | None = None) -> Target:
    """This machine as this process may use it: affinity, control group and ISA cap included.

    Args:
        isa_cap: one of `ISA_CAPS`; instruction sets beyond it count as absent. By default that of
            the environment's `ISA_CAP`, which the processes of a capped bench are given.

    Raises:
        InputError: `isa_cap` is none of `ISA_CAPS`.
    """
    isa_cap = isa_cap or os.environ.get(ISA_CAP)
    isa = _isa.isa_of(_cores.cpu_flags(), platform.machine())
    usable = _cores.usable_cpu_ids()
    return Target(
        cpu=_cores.cpu_name(),
        isa=_isa.capped(isa, isa_cap),
        physical_cores=len(_cores.physical_core_ids(usable=usable)),
        logical_cores=len(usable),
        cpu_quota=_cgroup.cpu_quota(),
        memory_mb=memory_mb(),
        caches=_cores.caches(cpu=usable[0]),
        os=" ".join(part for part in (platform.system(), platform.release(), *_libc()) if part),
        versions=versions(),
        gpus=_gpus.gpus(),
        isa_cap=isa_cap,
    )


def memory_mb(root: Path = _cores.ROOT) -> float:
    """Memory that this process may use, whole MB (10^6 bytes), control group included."""
    import psutil

    total: int = psutil.virtual_memory().total
    limit = _cgroup.memory_limit(root)
    return float(round(min(total, limit if limit is not None else total) / 1e6))


def free_memory_mb(root: Path = _cores.ROOT) -> float:
    """Memory that this process may still take, MB (10^6 bytes), control group included."""
    import psutil

    free: float = psutil.virtual_memory().available
    allowed = _cgroup.memory_free(root)
    if allowed is not None:
        free = min(free, allowed)
    return max(0.0, free) / 1e6


def versions() -> dict[str, str]:
    """Installed versions by distribution name; what is not installed is left out."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _libc() -> tuple[str, str]:
    """Name and version of the C library, empty where Python does not know."""
    return platform.libc_ver()
