"""The watch, on counters that move as a noisy, throttled or hot machine moves them."""

import os
import subprocess
import sys

import pytest

from paretune.engine.machine import Watch
from paretune.engine.machine.conditions import process_tree_seconds
from tests.engine.test_machine import CPUS, write
from tests.engine.test_machine_cgroup import v2

TICK = os.sysconf("SC_CLK_TCK")


def stat(root, *, user=0, idle=0, steal=0):
    # The second CPU is busy with other things and is not watched.
    text = f"cpu  1 2 3\ncpu0 {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu1 {9 * idle} 0 0 0 0 0 0 0\n"
    return write(root, {"proc/stat": text})


def watched(root, *, own=0.0, threads=None, during):
    seconds = iter([0.0, own])
    with Watch(threads=threads, cpus=[0], root=root, own_seconds=lambda: next(seconds)) as watch:
        during(watch)
    return [(condition.kind, condition.text) for condition in watch.conditions]


def test_a_quiet_machine_has_nothing_to_tell(tmp_path):
    stat(tmp_path, user=100, idle=100)
    found = watched(
        tmp_path, own=5, during=lambda _: stat(tmp_path, user=100 + 5 * TICK, idle=100 + 5 * TICK)
    )
    assert found == []


def test_other_processes_are_noise(tmp_path):
    stat(tmp_path)
    found = watched(tmp_path, own=4, during=lambda _: stat(tmp_path, user=5 * TICK, idle=5 * TICK))
    assert found == [
        ("noise", "noisy machine: 10% of the CPU time went to other processes"),
    ]


def test_time_the_hypervisor_took_is_noise(tmp_path):
    stat(tmp_path)
    found = watched(tmp_path, during=lambda _: stat(tmp_path, idle=980, steal=20))
    assert found == [("noise", "noisy machine: 2.0% of the CPU time was taken by the hypervisor")]


def test_a_system_without_counters_says_so(tmp_path):
    ((kind, text),) = watched(tmp_path, during=lambda _: None)
    assert kind == "noise"
    assert "not watched" in text


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        ([2_000_000, 3_500_000, 3_450_000], []),
        ([3_500_000, 3_500_000, 2_800_000], ["fell from 3.50 to 2.80 GHz"]),
        ([3_500_000, 2_800_000, 3_500_000], ["fell from 3.50 to 2.80 GHz"]),
    ],
)
def test_a_falling_clock_is_drift_and_waking_up_is_not(tmp_path, clocks, expected):
    stat(tmp_path)

    def clock(khz):
        write(tmp_path, {f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": f"{khz}\n"})

    def during(watch):
        clock(clocks[1])
        watch.sample()
        clock(clocks[2])

    clock(clocks[0])
    found = watched(tmp_path, during=during)
    assert len(found) == len(expected)
    for (kind, text), part in zip(found, expected, strict=True):
        assert kind == "frequency"
        assert part in text


def test_a_quota_below_the_thread_count_and_being_stopped_by_it(tmp_path):
    stat(tmp_path)
    before = "nr_periods 100\nnr_throttled 5\n"
    root = v2(tmp_path, {"app/job/cpu.max": "150000 100000\n", "app/job/cpu.stat": before})

    def during(_):
        v2(tmp_path, {"app/job/cpu.stat": "nr_periods 180\nnr_throttled 17\n"})

    assert watched(root, threads=2, during=during) == [
        ("quota", "the CPU quota allows 1.5 cores, fewer than the 2 threads"),
        ("quota", "the CPU quota stopped this run in 12 of 80 scheduling periods"),
    ]
    assert watched(root, threads=1, during=lambda _: None) == []


def test_own_time_includes_live_and_ended_children():
    spin = "import time\nwhile time.process_time() < 0.4: pass\nprint('spun', flush=True)\ninput()"
    before = process_tree_seconds()
    with subprocess.Popen(
        [sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"spun\n"
        alive = process_tree_seconds() - before
        child.communicate(b"\n")
    ended = process_tree_seconds() - before
    assert alive >= 0.35
    assert ended >= alive - 0.005  # half a tick of the clock that both are counted in


def test_real_counters_of_this_machine_are_read():
    with Watch(threads=1) as watch:
        watch.sample()
    assert all(c.kind in ("noise", "frequency", "quota") and c.text for c in watch.conditions)
