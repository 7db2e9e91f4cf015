"""What a kernel's name says of the instructions that it is made of."""

from __future__ import annotations

import re

from paretune.engine.machine import ISA_CAPS

#: Instruction sets as they stand in kernels' names, the oldest first: a cap allows its own and
#: all before it. `avx512_core` is oneDNN's name of the set that it calls AVX-512.
_ORDER = (
    ("sse4", "avx2"),
    ("avx2", "avx2"),
    ("avx2_vnni", "avx2_vnni"),
    ("avx512", "avx512"),
    ("avx512_core_vnni", "avx512_vnni"),
    ("avx512_vnni", "avx512_vnni"),
    ("avx512_core_bf16", "avx512_bf16"),
    ("avx512_core_fp16", "avx512_fp16"),
    ("amx", "amx"),
)


def isa_of(kernel: str) -> str | None:
    """The cap that a kernel needs at least, None where its name does not say.

    Args:
        kernel: a name such as `brgconv_avx512_I8` (OpenVINO) or `jit:avx512_core_vnni` (oneDNN).
    """
    found = None
    for word, cap in _ORDER:
        if re.search(rf"(?<![a-z0-9]){word}", kernel.lower()):
            found = cap
    return found


def beyond(kernel: str, cap: str) -> bool:
    """Whether a kernel's name says that it needs more than a cap allows."""
    needs = isa_of(kernel)
    return needs is not None and ISA_CAPS.index(needs) > ISA_CAPS.index(cap)
