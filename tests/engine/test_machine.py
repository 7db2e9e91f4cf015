"""Detection on this machine, and on sample trees of machines that are not here."""

import os
import platform
from pathlib import Path

import pytest

from paretune.core import InputError
from paretune.engine import machine
from paretune.engine.machine import _cores, _gpus, _isa

CPUS = "sys/devices/system/cpu"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_detects_this_machine():
    target = machine.detect()
    assert target.cpu
    assert target.logical_cores == len(os.sched_getaffinity(0))
    assert 1 <= target.physical_cores <= target.logical_cores
    assert target.memory_mb > 100
    assert target.versions["numpy"]
    assert target.os.startswith(platform.system())
    assert target.digest == machine.detect().digest


def test_affinity_is_obeyed():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(before)})
        assert machine.physical_core_ids() == [max(before)]
        assert machine.detect().logical_cores == 1
    finally:
        os.sched_setaffinity(0, before)


def test_a_cap_in_the_environment_holds_for_the_process(monkeypatch):
    have = machine.detect()
    for cap in machine.ISA_CAPS[:1]:
        monkeypatch.setenv(machine.ISA_CAP, cap)
        capped = machine.detect()
        assert capped == machine.detect(cap)
        assert set(capped.isa) <= set(have.isa)
        assert capped.isa_cap == cap


def test_hyper_threads_share_a_core(tmp_path):
    siblings = {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}
    for cpu, text in siblings.items():
        write(tmp_path, {f"{CPUS}/cpu{cpu}/topology/thread_siblings_list": f"{text}\n"})
    assert machine.physical_core_ids(tmp_path, [0, 1, 4, 5]) == [0, 1]
    assert machine.physical_core_ids(tmp_path, [4, 5]) == [4, 5]
    # Where the topology is hidden, as in some sandboxes, every CPU counts.
    assert machine.physical_core_ids(tmp_path, [6, 7]) == [6, 7]


def test_cores_of_one_socket_come_before_the_next(tmp_path):
    for cpu in range(4):  # as some two-socket servers number them
        write(tmp_path, {f"{CPUS}/cpu{cpu}/topology/physical_package_id": f"{cpu % 2}\n"})
    assert machine.physical_core_ids(tmp_path, [0, 1, 2, 3]) == [0, 2, 1, 3]


def test_a_system_without_sys_counts_physical_cores(tmp_path):
    cores = machine.physical_core_ids(tmp_path, list(range(1000)))
    assert 1 <= len(cores) < 1000


def test_caches_by_level(tmp_path):
    sizes = [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2048K")]
    sizes.append(("3", "Unified", "32M"))
    for index, (level, kind, size) in enumerate(sizes):
        folder = f"{CPUS}/cpu3/cache/index{index}"
        files = {"level": level, "type": kind, "size": size}
        write(tmp_path, {f"{folder}/{name}": text for name, text in files.items()})
    expected = {"L1d": 48, "L1i": 32, "L2": 2048, "L3": 32768}
    assert _cores.caches(tmp_path, cpu=3) == expected


def test_cpuinfo_of_x86_and_arm(tmp_path):
    x86 = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz: fast\nflags\t\t: fpu avx2 fma\n\n"
    root = write(tmp_path / "x86", {"proc/cpuinfo": x86 + x86})
    assert _cores.cpu_name(root) == "Some CPU @ 2.0GHz: fast"
    assert _isa.isa_of(_cores.cpu_flags(root), "x86_64") == ("avx2",)
    arm = "processor\t: 0\nFeatures\t: fp asimd sve\nCPU part\t: 0xd40\n\n"
    root = write(tmp_path / "arm", {"proc/cpuinfo": arm})
    assert _isa.isa_of(_cores.cpu_flags(root), "aarch64") == ("neon", "sve")
    assert _cores.cpu_name(root)


def test_avx512_foundation_alone_is_not_avx512():
    assert _isa.isa_of({"avx512f", "avx512cd"}, "x86_64") == ()
    full = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    assert _isa.isa_of(full, "x86_64") == ("avx512",)
    assert _isa.isa_of({"amx_int8"}, "x86_64") == ()  # the kernel has not enabled the tiles


def test_a_cap_leaves_what_lies_below_it():
    isa = ("amx_int8", "avx2", "avx512", "avx512_vnni", "avx_vnni")
    assert _isa.capped(isa, None) == isa
    assert _isa.capped(isa, "avx2") == ("avx2",)
    assert _isa.capped(isa, "avx512_vnni") == ("avx2", "avx512", "avx512_vnni", "avx_vnni")
    assert _isa.capped(isa, "amx") == isa
    assert machine.detect(isa_cap="avx2").isa_cap == "avx2"
    with pytest.raises(InputError, match=r"'avx3'.*avx512_vnni"):
        machine.detect(isa_cap="avx3")


def test_a_cap_has_short_names_and_must_be_had():
    isa = ("avx2", "avx512", "avx512_vnni")
    assert machine.cap_named("vnni", isa) == "avx512_vnni"
    assert machine.cap_named("avx2", isa) == "avx2"
    with pytest.raises(InputError, match=r"has no amx.*one of avx2, avx512, avx512_vnni$"):
        machine.cap_named("amx", isa)
    with pytest.raises(InputError, match=r"has no avx2.*leave the cap out$"):
        machine.cap_named("avx2", ("neon",))
    with pytest.raises(InputError, match=r"'sse'.*avx512, .*vnni"):
        machine.cap_named("sse", isa)


SMI = """0, GPU-aaaa1111, NVIDIA H200, 143771, 9.0
1, GPU-bbbb2222, NVIDIA L4, 23034, 8.9
"""


def test_gpus_from_the_drivers_tool():
    first, second = _gpus.parse(SMI)
    assert (first.name, first.capability) == ("NVIDIA H200", "9.0")
    assert first.memory_mb == pytest.approx(143771 * 2**20 / 1e6, abs=0.1)
    assert second.name == "NVIDIA L4"
    assert _gpus.parse("") == ()
    assert _gpus.parse("0, GPU-a, Jetson, [N/A], 8.7")[0].memory_mb == 0


def test_visible_devices_choose_gpus():
    assert [gpu.name for gpu in _gpus.parse(SMI, "1,0")] == ["NVIDIA L4", "NVIDIA H200"]
    assert [gpu.name for gpu in _gpus.parse(SMI, "GPU-bbbb")] == ["NVIDIA L4"]
    assert _gpus.parse(SMI, "") == ()
    assert _gpus.parse(SMI, "-1") == ()
    assert len(_gpus.parse(SMI, "0,7,1")) == 1


def test_a_real_tool_is_run_and_its_failure_means_no_gpu(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _gpus.gpus({}) == ()
    # Through a shell: an interpreter's path may hold a space, which a first line may not.
    tool.write_text("#!/bin/sh\necho '0, GPU-a, NVIDIA T4, 15360, 7.5'\n")
    tool.chmod(0o755)
    assert [gpu.capability for gpu in _gpus.gpus({})] == ["7.5"]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert _gpus.gpus({}) == ()
