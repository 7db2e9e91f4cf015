"""What oneDNN, on which OpenVINO and PyTorch build, can be told about instruction sets.

Names are those of oneDNN's developer guide, "CPU Dispatcher Control".
"""

from __future__ import annotations

_MAX_CPU_ISA = {
    "avx2": "AVX2",
    "avx2_vnni": "AVX2_VNNI",
    "avx512": "AVX512_CORE",
    "avx512_vnni": "AVX512_CORE_VNNI",
    "avx512_bf16": "AVX512_CORE_BF16",
    "avx512_fp16": "AVX512_CORE_FP16",
    "amx": "AVX512_CORE_AMX",
}


def isa_environment(cap: str) -> dict[str, str]:
    """The variable that caps oneDNN's kernels.

    Args:
        cap: one of `paretune.engine.machine.ISA_CAPS`.
    """
    return {"ONEDNN_MAX_CPU_ISA": _MAX_CPU_ISA[cap]}
