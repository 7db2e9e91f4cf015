"""Control group limits, on sample trees of `/proc` and `/sys`."""

import pytest

from paretune.engine.machine import _cgroup
from tests.engine.test_machine import write

GROUPS = "sys/fs/cgroup"
UNLIMITED_V1 = "9223372036854771712\n"


def v2(root, files, path="/app/job"):
    base = {"proc/self/cgroup": f"0::{path}\n", f"{GROUPS}/cgroup.controllers": "cpu memory\n"}
    return write(root, base | {f"{GROUPS}/{name}": text for name, text in files.items()})


def test_v2_limits(tmp_path):
    files = {"app/job/cpu.max": "150000 100000\n", "app/job/memory.max": "2000000000\n"}
    root = v2(tmp_path, files)
    assert _cgroup.cpu_quota(root) == 1.5
    assert _cgroup.memory_limit(root) == 2_000_000_000


def test_v2_the_tightest_ancestor_counts(tmp_path):
    files = {"app/job/cpu.max": "max 100000\n", "app/cpu.max": "50000 100000\n"}
    files |= {"app/job/memory.max": "4000\n", "app/memory.max": "max\n", "memory.max": "3000\n"}
    root = v2(tmp_path, files)
    assert _cgroup.cpu_quota(root) == 0.5
    assert _cgroup.memory_limit(root) == 3000


def test_v2_free_memory_is_of_the_group_that_has_least_left(tmp_path):
    files = {"app/job/memory.max": "8000\n", "app/job/memory.current": "5000\n"}
    files |= {"app/job/memory.stat": "anon 3000\nactive_file 1500\ninactive_file 500\n"}
    files |= {"app/memory.max": "90000\n", "app/memory.current": "88000\n"}
    files |= {"memory.max": "max\n", "memory.current": "400000\n"}
    assert _cgroup.memory_free(v2(tmp_path, files)) == 2000
    (tmp_path / GROUPS / "app/memory.current").write_text("20000\n")
    assert _cgroup.memory_free(tmp_path) == 5000


def test_v2_in_a_container_that_sees_the_hosts_path(tmp_path):
    root = v2(tmp_path, {"cpu.max": "200000 100000\n"}, path="/docker/0123abcd")
    assert _cgroup.cpu_quota(root) == 2


def test_v2_unlimited(tmp_path):
    root = v2(tmp_path, {"app/job/cpu.max": "max 100000\n", "app/job/memory.max": "max\n"})
    assert _cgroup.cpu_quota(root) is None
    assert _cgroup.memory_limit(root) is None


def v1(root, files):
    lines = "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/\n"
    named = {f"{GROUPS}/{name}": text for name, text in files.items()}
    return write(root, {"proc/self/cgroup": lines} | named)


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
def test_v1_limits(tmp_path, mount):
    files = {f"{mount}/job/cpu.cfs_quota_us": "250000\n"}
    files |= {f"{mount}/job/cpu.cfs_period_us": "100000\n"}
    files |= {"memory/job/memory.limit_in_bytes": "1000000\n"}
    files |= {"memory/memory.limit_in_bytes": UNLIMITED_V1}
    files |= {"memory/job/memory.usage_in_bytes": "700000\n"}
    files |= {"memory/job/memory.stat": "total_active_file 100000\ninactive_file 5\n"}
    root = v1(tmp_path, files)
    assert _cgroup.cpu_quota(root) == 2.5
    assert _cgroup.memory_limit(root) == 1_000_000
    assert _cgroup.memory_free(root) == 400_000


def test_v1_unlimited(tmp_path):
    files = {"cpu/job/cpu.cfs_quota_us": "-1\n", "cpu/job/cpu.cfs_period_us": "100000\n"}
    files |= {"memory/job/memory.limit_in_bytes": UNLIMITED_V1}
    root = v1(tmp_path, files)
    assert _cgroup.cpu_quota(root) is None
    assert _cgroup.memory_limit(root) is None
    assert _cgroup.memory_free(root) is None


def test_both_versions_at_once(tmp_path):
    files = {"cpu/job/cpu.cfs_quota_us": "300000\n", "cpu/job/cpu.cfs_period_us": "100000\n"}
    root = v1(tmp_path, files | {"unified/cgroup.controllers": "\n"})
    lines = (root / "proc/self/cgroup").read_text()
    write(root, {"proc/self/cgroup": lines + "0::/job\n"})
    write(root, {f"{GROUPS}/unified/job/cpu.max": "400000 100000\n"})
    assert _cgroup.cpu_quota(root) == 3


def test_throttled_periods(tmp_path):
    text = "usage_usec 9\nnr_periods 80\nnr_throttled 12\nthrottled_usec 900\n"
    root = v2(tmp_path, {"app/cpu.stat": text, "app/job/cpu.stat": "nr_periods 0\n"})
    assert _cgroup.throttled_periods(root) == (12, 80)


def test_no_control_groups_at_all(tmp_path):
    assert _cgroup.cpu_quota(tmp_path) is None
    assert _cgroup.memory_limit(tmp_path) is None
    assert _cgroup.throttled_periods(tmp_path) == (0, 0)
