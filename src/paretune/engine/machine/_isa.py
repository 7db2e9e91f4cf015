"""Instruction sets by plain names, from the flags that the kernel lists."""

from __future__ import annotations

from collections.abc import Iterable

from paretune.core import InputError

#: Plain name -> every flag of `/proc/cpuinfo` that it takes. `avx512` is the set that vectorised
#: kernels ask for (Skylake-X and later); AVX512F alone, as on Knights Landing, is not enough.
_X86 = {
    "avx2": {"avx2", "fma"},
    "avx_vnni": {"avx_vnni"},
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "avx512_vnni": {"avx512_vnni"},
    "avx512_bf16": {"avx512_bf16"},
    "avx512_fp16": {"avx512_fp16"},
    "amx_bf16": {"amx_tile", "amx_bf16"},
    "amx_int8": {"amx_tile", "amx_int8"},
}
_ARM = {"neon": {"asimd"}, "sve": {"sve"}}

#: Cap -> what is left of the instruction set under it; each also leaves what the ones above leave.
_CAP_STEPS = {
    "avx2": ("avx2",),
    "avx2_vnni": ("avx_vnni",),
    "avx512": ("avx512",),
    "avx512_vnni": ("avx512_vnni",),
    "avx512_bf16": ("avx512_bf16",),
    "avx512_fp16": ("avx512_fp16",),
    "amx": ("amx_bf16", "amx_int8"),
}
ISA_CAPS: tuple[str, ...] = tuple(_CAP_STEPS)
_SHORT = {"vnni": "avx512_vnni", "bf16": "avx512_bf16", "fp16": "avx512_fp16"}


def isa_of(flags: Iterable[str], machine: str) -> tuple[str, ...]:
    """Sorted plain names of the instruction sets that `flags` amount to.

    Args:
        flags: the `flags` (x86) or `Features` (ARM) words of `/proc/cpuinfo`.
        machine: architecture as `platform.machine()` names it.
    """
    table = _ARM if machine in ("aarch64", "arm64") else _X86
    have = set(flags)
    return tuple(sorted(name for name, needed in table.items() if needed <= have))


def cap_named(text: str, isa: Iterable[str]) -> str:
    """The cap of `ISA_CAPS` that a text such as `vnni` means.

    Args:
        text: a name of `ISA_CAPS`, or `vnni`, `bf16`, `fp16` for short.
        isa: instruction sets of the CPU that is to be capped.

    Raises:
        InputError: no cap is called that, or the CPU has nothing of what the cap allows last.
    """
    cap = _SHORT.get(text, text)
    if cap not in _CAP_STEPS:
        known = ", ".join((*ISA_CAPS, *_SHORT))
        raise InputError(f"no ISA cap is called {text!r}: give one of {known}")
    have = set(isa)
    if not have & set(_CAP_STEPS[cap]):
        able = ", ".join(name for name, adds in _CAP_STEPS.items() if have & set(adds))
        mend = f"give one of {able}" if able else "leave the cap out"
        raise InputError(f"this CPU has no {cap}, and a cap cannot add what is missing: {mend}")
    return cap


def capped(isa: Iterable[str], cap: str | None) -> tuple[str, ...]:
    """What is left of `isa` under a cap, one of `ISA_CAPS`; all of it under None.

    Raises:
        InputError: the cap has no such name.
    """
    if cap is None:
        return tuple(isa)
    if cap not in _CAP_STEPS:
        raise InputError(f"no ISA cap is called {cap!r}: give one of {', '.join(ISA_CAPS)}")
    allowed: set[str] = set()
    for name, adds in _CAP_STEPS.items():
        allowed.update(adds)
        if name == cap:
            break
    return tuple(name for name in isa if name in allowed)
