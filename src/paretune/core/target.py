"""Where the model must run: the hardware fingerprint and what is installed on it."""

from __future__ import annotations

import hashlib

from paretune.core._base import Noun

#: Instruction sets as people call them: the widest, and whatever there is besides.
_WIDTHS = {"avx512": "AVX-512", "avx2": "AVX2", "sve": "SVE", "neon": "NEON"}
_BESIDES = {
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "bf16": {"avx512_bf16"},
    "fp16": {"avx512_fp16"},
    "AMX": {"amx_bf16", "amx_int8"},
}
#: Instruction sets of which one multiplies bfloat16; without any, it is emulated and slow.
BF16_ISA = ("amx_bf16", "avx512_bf16")


class Gpu(Noun):
    """One CUDA device: name, memory in MB (10^6 bytes), compute capability such as `9.0`."""

    name: str
    memory_mb: float
    capability: str


class Target(Noun):
    """A machine as the measurements see it.

    Attributes:
        cpu: model name as the machine reports it.
        isa: sorted subset of `avx2 avx512 avx512_vnni avx_vnni avx512_bf16 avx512_fp16 amx_bf16
            amx_int8 neon sve` (plain names; see `paretune.engine.machine`).
        physical_cores: cores this process may use.
        logical_cores: hardware threads this process may use.
        cpu_quota: cores that a cgroup allows, None where unlimited.
        memory_mb: memory this process may use, MB (10^6 bytes), cgroup limit included.
        caches: size in kB (2^10 bytes) of one cache by level, such as `{"L1d": 48, "L3": 32768}`.
        os: system, release and libc in one line.
        versions: runtime and library versions by distribution name.
        gpus: CUDA devices.
        isa_cap: instruction-set cap that was imposed (emulation), None where none was.
    """

    cpu: str
    isa: tuple[str, ...]
    physical_cores: int
    logical_cores: int
    cpu_quota: float | None = None
    memory_mb: float
    caches: dict[str, int] = {}
    os: str
    versions: dict[str, str] = {}
    gpus: tuple[Gpu, ...] = ()
    isa_cap: str | None = None

    @property
    def digest(self) -> str:
        """sha256 hex (16 characters) of all that can change a measurement."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def kind_digest(self) -> str:
        """The same without memory and system, which an update moves a little."""
        rest = self.model_dump_json(exclude={"memory_mb", "os"})
        return hashlib.sha256(rest.encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """What sets this machine apart from others, such as `AMD EPYC (2 cores, AVX-512 VNNI)`.

        Virtual machines often report one name for CPUs of several generations. Of a published
        figure, which tells no instruction sets, it is the name alone.
        """
        width = next((name for isa, name in _WIDTHS.items() if isa in self.isa), None)
        if width is None:
            return self.cpu
        besides = [name for name, any_of in _BESIDES.items() if any_of & set(self.isa)]
        sets = " ".join((width, *besides))
        if self.isa_cap:
            sets = f"capped at {self.isa_cap}, emulated"
        cores = "1 core" if self.usable_cores == 1 else f"{self.usable_cores} cores"
        return f"{self.cpu} ({cores}, {sets})"

    @property
    def multiplies_bf16(self) -> bool:
        """Whether the CPU itself does, so that bfloat16 is faster than float32."""
        return not set(BF16_ISA).isdisjoint(self.isa)

    @property
    def usable_cores(self) -> int:
        """Most threads worth using: physical cores, cut by the cgroup quota (at least 1)."""
        if self.cpu_quota is None:
            return self.physical_cores
        return max(1, min(self.physical_cores, int(self.cpu_quota)))
