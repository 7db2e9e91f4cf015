"""The CPU's name, flags, cores and caches, as this process may use them."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path("/")
_CPUS = "sys/devices/system/cpu"


def read(path: Path) -> str | None:
    """A small kernel file's text without the final newline, None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def usable_cpu_ids() -> list[int]:
    """Logical CPUs that this process may run on, ascending."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def physical_core_ids(root: Path = ROOT, usable: list[int] | None = None) -> list[int]:
    """One logical CPU of each physical core that this process may use, in order of pinning.

    Socket by socket, since some number their CPUs in turn, and ascending in each. Where the system
    does not tell which logical CPUs share a core, each counts as one.

    Args:
        root: where `sys` is looked for.
        usable: logical CPUs to choose from, those of this process by default.
    """
    usable = usable_cpu_ids() if usable is None else usable
    if not (root / _CPUS).is_dir():
        return usable[: _physical_count(len(usable))]
    first_of_core: dict[str, int] = {}
    for cpu in usable:
        # A hyper-thread's siblings file lists the same CPUs as its twin's.
        core = read(root / _CPUS / f"cpu{cpu}/topology/thread_siblings_list") or f"cpu{cpu}"
        first_of_core.setdefault(core, cpu)

    def socket(cpu: int) -> int:
        told = read(root / _CPUS / f"cpu{cpu}/topology/physical_package_id") or ""
        return int(told) if told.lstrip("-").isdigit() else 0

    return sorted(first_of_core.values(), key=lambda cpu: (socket(cpu), cpu))


def _physical_count(logical: int) -> int:
    """Physical cores where the kernel has no `/sys`, such as macOS."""
    import psutil

    return min(logical, psutil.cpu_count(logical=False) or logical)


def cpu_name(root: Path = ROOT) -> str:
    """The model name as the machine reports it, the architecture where it reports none."""
    fields = _cpuinfo(root)
    for key in ("model name", "Processor", "Hardware", "cpu model"):
        if fields.get(key):
            return fields[key]
    name = _ask("sysctl", "-n", "machdep.cpu.brand_string") if _is_mac() else ""
    name = name or _lscpu().get("Model name", "")
    return name or platform.processor() or platform.machine()


def cpu_flags(root: Path = ROOT) -> tuple[str, ...]:
    """The words of the first CPU's `flags` (x86) or `Features` (ARM) line."""
    fields = _cpuinfo(root)
    if not fields and _is_mac():
        if platform.machine() == "arm64":
            return ("asimd",)  # part of every 64-bit ARM Mac; SVE is in none
        names = _ask("sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features")
        return tuple(names.lower().split())
    return tuple(fields.get("flags", fields.get("Features", "")).split())


def caches(root: Path = ROOT, cpu: int = 0) -> dict[str, int]:
    """Size in kB (2^10 bytes) of one cache by level, such as `{"L1d": 48, "L3": 32768}`."""
    found = {}
    for index in sorted((root / _CPUS / f"cpu{cpu}/cache").glob("index*")):
        level, kind, size = (read(index / name) for name in ("level", "type", "size"))
        if level and size:
            suffix = {"Data": "d", "Instruction": "i"}.get(kind or "", "")
            found[f"L{level}{suffix}"] = _kilobytes(size)
    if found:
        return found
    return {name: _kilobytes(size) for name, size in _lscpu_caches()}


def _kilobytes(size: str) -> int:
    """`48K`, `32M` or a plain number of bytes -> kB (2^10 bytes)."""
    factors = {"K": 1, "M": 1024, "G": 1024**2}
    if size[-1:] in factors:
        return int(float(size[:-1]) * factors[size[-1]])
    return int(size) // 1024


def _cpuinfo(root: Path) -> dict[str, str]:
    """The fields of the first CPU in `/proc/cpuinfo`."""
    text = read(root / "proc/cpuinfo") or ""
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _lscpu() -> dict[str, str]:
    """What `lscpu` says; it knows ARM part numbers that `/proc/cpuinfo` does not name."""
    pairs = (line.partition(":") for line in _ask("lscpu").splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _lscpu_caches() -> list[tuple[str, str]]:
    """Name and size of one cache of each level."""
    rows = (line.split() for line in _ask("lscpu", "-C=NAME,ONE-SIZE").splitlines()[1:])
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def _is_mac() -> bool:
    return platform.system() == "Darwin"


def _ask(*command: str) -> str:
    """A command's output, empty where it does not exist or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
