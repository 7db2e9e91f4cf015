"""What a control group (a container) allows this process, for cgroup v1, v2 and both at once.

A limit may be set on any ancestor, so every level from the process's own group up to the root is
read and the tightest one counts. In a container the path of `/proc/self/cgroup` may be the host's
and not exist; its existing ancestors are then what the container sees.
Source: kernel documentation, admin-guide/cgroup-v2.rst and cgroup-v1/{memory,cpusets}.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paretune.engine.machine._cores import ROOT, read

_MOUNT = "sys/fs/cgroup"


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores' worth of CPU time that is allowed, None where unlimited."""
    found = []
    for group in _v2_groups(root):
        words = (read(group / "cpu.max") or "").split()
        if words and words[0] != "max":
            found.append(int(words[0]) / (int(words[1]) if len(words) > 1 else 100_000))
    for group in _v1_groups(root, "cpu"):
        quota, period = (read(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        if quota and period and int(quota) > 0:
            found.append(int(quota) / int(period))
    return min(found, default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes of memory that are allowed, None where unlimited."""
    texts = [read(group / "memory.max") for group in _v2_groups(root)]
    texts += [read(group / "memory.limit_in_bytes") for group in _v1_groups(root, "memory")]
    limits = [int(text) for text in texts if text and text != "max"]
    # cgroup v1 writes "unlimited" as the largest page-aligned 64-bit number.
    return min((limit for limit in limits if limit < 1 << 60), default=None)


def memory_free(root: Path = ROOT) -> int | None:
    """Bytes of memory that are allowed beside those in use, None where unlimited.

    Files that could be let go do not count as used. Of nested groups the tightest decides.
    """
    levels = [(group, "memory.max", "memory.current", "") for group in _v2_groups(root)]
    levels += [
        (group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        for group in _v1_groups(root, "memory")
    ]
    free = []
    for group, limit, usage, of_all in levels:
        most, used = read(group / limit), read(group / usage)
        if not most or not used or most == "max" or int(most) >= 1 << 60:
            continue
        pairs = (line.split() for line in (read(group / "memory.stat") or "").splitlines())
        stat = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
        files = sum(stat.get(f"{of_all}{kind}_file", 0) for kind in ("active", "inactive"))
        free.append(int(most) - int(used) + files)
    return min(free, default=None)


def throttled_periods(root: Path = ROOT) -> tuple[int, int]:
    """Scheduling periods in which a quota stopped this group or an ancestor, and all periods.

    Counted since the group was made; the level that was stopped most often counts.
    """
    worst = (0, 0)
    for group in (*_v2_groups(root), *_v1_groups(root, "cpu")):
        pairs = (line.split() for line in (read(group / "cpu.stat") or "").splitlines())
        stat = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
        worst = max(worst, (stat.get("nr_throttled", 0), stat.get("nr_periods", 0)))
    return worst


def _membership(root: Path) -> list[tuple[list[str], str]]:
    """Controllers (empty for v2) and path of each line of `/proc/self/cgroup`."""
    lines = (read(root / "proc/self/cgroup") or "").splitlines()
    parts = [line.split(":", 2) for line in lines]
    return [([c for c in p[1].split(",") if c], p[2]) for p in parts if len(p) == 3]


def _v2_groups(root: Path) -> list[Path]:
    """This process's v2 group and its ancestors that exist."""
    for mount in (root / _MOUNT, root / _MOUNT / "unified"):
        if (mount / "cgroup.controllers").exists():
            paths = [path for controllers, path in _membership(root) if not controllers]
            return [group for path in paths for group in _upwards(mount, path)]
    return []


def _v1_groups(root: Path, controller: str) -> list[Path]:
    """This process's group of a v1 controller and its ancestors that exist."""
    for controllers, path in _membership(root):
        if controller in controllers:
            for name in (",".join(controllers), controller):
                if (root / _MOUNT / name).is_dir():
                    return list(_upwards(root / _MOUNT / name, path))
    return []


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """`mount/path` and every ancestor of it up to `mount`, those that exist."""
    group = mount / path.strip("/")
    while group != mount:
        if group.is_dir():
            yield group
        group = group.parent
    yield mount
