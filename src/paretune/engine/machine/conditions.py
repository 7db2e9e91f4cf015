"""How quiet the machine was while something was measured on it.

Other work on the same CPUs, time the hypervisor took, a falling clock and a quota below the
thread count each bend a latency; none of them is visible in the latency itself. They are watched
from the kernel's own counters, without a thread that would itself take time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from paretune.core import Condition
from paretune.engine.machine._cgroup import cpu_quota, throttled_periods
from paretune.engine.machine._cores import ROOT, read, usable_cpu_ids

#: Shares of the CPU time above which a machine is called noisy. A quiet one shows below 1 %.
OTHERS_SHARE = 0.03
STEAL_SHARE = 0.01
#: Fall of the clock, as a share of its highest sample, that counts as drift.
FREQUENCY_FALL = 0.05


class _Ticks(NamedTuple):
    """Kernel ticks of the watched CPUs since boot."""

    total: int
    busy: int
    steal: int


class Watch:
    """Counts what disturbed the machine between `with Watch() as watch:` and its end.

    Call `sample` now and then while measuring (it reads a few kernel files): the clock is
    compared between samples, and at the ends of the block it may be idling.

    Args:
        threads: CPU threads of the measured work, to be held against the quota.
        cpus: logical CPUs that it ran on, all that this process may use by default.
        root: where `proc` and `sys` are looked for.
        own_seconds: CPU seconds this run has used so far, its worker processes included.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        cpus: Sequence[int] | None = None,
        root: Path = ROOT,
        own_seconds: Callable[[], float] | None = None,
    ) -> None:
        self._threads = threads
        self._cpus = list(usable_cpu_ids() if cpus is None else cpus)
        self._root = root
        self._own_seconds = own_seconds or process_tree_seconds
        self._clock: list[float] = []
        self._conditions: tuple[Condition, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What a reader of the figures should know, after the end; empty on a quiet machine."""
        return self._conditions

    def __enter__(self) -> Watch:
        self._ticks = _ticks(self._root, self._cpus)
        self._own = self._own_seconds()
        self._throttled = throttled_periods(self._root)
        self.sample()
        return self

    def sample(self) -> None:
        """Note the clock now."""
        clock = _clock_khz(self._root, self._cpus)
        if clock is not None:
            self._clock.append(clock)

    def __exit__(self, *_: object) -> None:
        self.sample()
        found = [*self._noise(), *self._frequency(), *self._quota()]
        self._conditions = tuple(Condition(kind=kind, text=text) for kind, text in found)

    def _noise(self) -> list[tuple[str, str]]:
        before, after = self._ticks, _ticks(self._root, self._cpus)
        if before is None or after is None:
            text = "this system does not tell what other processes use; noise was not watched"
            return [("noise", text)]
        elapsed = after.total - before.total
        if elapsed <= 0:
            return []
        own = (self._own_seconds() - self._own) * os.sysconf("SC_CLK_TCK")
        others = (after.busy - before.busy - own) / elapsed
        steal = (after.steal - before.steal) / elapsed
        found = []
        if others > OTHERS_SHARE:
            text = f"noisy machine: {others:.0%} of the CPU time went to other processes"
            found.append(("noise", text))
        if steal > STEAL_SHARE:
            text = f"noisy machine: {steal:.1%} of the CPU time was taken by the hypervisor"
            found.append(("noise", text))
        return found

    def _frequency(self) -> list[tuple[str, str]]:
        # The clock of an idle CPU is low, so only a fall from an earlier sample is drift.
        highest = fall = low = 0.0
        for clock in self._clock:
            highest = max(highest, clock)
            if highest - clock > fall:
                fall, low = highest - clock, clock
        if highest == 0 or fall / highest <= FREQUENCY_FALL:
            return []
        text = (
            f"frequency drift: the CPU clock fell from {(low + fall) / 1e6:.2f} to "
            f"{low / 1e6:.2f} GHz while measuring"
        )
        return [("frequency", text)]

    def _quota(self) -> list[tuple[str, str]]:
        quota = cpu_quota(self._root)
        stopped, periods = (
            now - then
            for now, then in zip(throttled_periods(self._root), self._throttled, strict=True)
        )
        found = []
        if quota is not None and self._threads is not None and quota < self._threads:
            text = f"the CPU quota allows {quota:g} cores, fewer than the {self._threads} threads"
            found.append(("quota", text))
        if stopped > 0:
            text = f"the CPU quota stopped this run in {stopped} of {periods} scheduling periods"
            found.append(("quota", text))
        return found


def process_tree_seconds() -> float:
    """CPU seconds of this process and all it started, ended or alive."""
    import psutil

    times = os.times()
    seconds = times.user + times.system + times.children_user + times.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended just now: its parent's `children_*` hold its time from here on
        seconds += used.user + used.system
        seconds += getattr(used, "children_user", 0.0) + getattr(used, "children_system", 0.0)
    return seconds


def _ticks(root: Path, cpus: Sequence[int]) -> _Ticks | None:
    """Ticks of those CPUs, None where the system has no `/proc/stat`."""
    text = read(root / "proc/stat")
    if text is None:
        return None
    names = {f"cpu{cpu}" for cpu in cpus}
    total = busy = steal = 0
    for line in text.splitlines():
        name, *fields = line.split()
        if name in names:
            # user nice system idle iowait irq softirq steal; guest time is inside user already
            ticks = [int(field) for field in fields[:8]]
            total += sum(ticks)
            busy += sum(ticks[:3]) + sum(ticks[5:7])
            steal += ticks[7] if len(ticks) > 7 else 0
    return _Ticks(total, busy, steal)


def _clock_khz(root: Path, cpus: Sequence[int]) -> float | None:
    """The fastest current clock among those CPUs, None where the system does not tell."""
    folder = root / "sys/devices/system/cpu"
    texts = (read(folder / f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in cpus)
    return max((float(text) for text in texts if text and text.isdigit()), default=None)
