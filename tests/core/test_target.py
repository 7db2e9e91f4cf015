"""How machines are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from paretune.core import Target


def target(**fields: Any) -> Target:
    known = {"cpu": "X", "isa": (), "logical_cores": 4, "memory_mb": 1e4, "os": "x"}
    return Target.model_validate(known | {"physical_cores": 4} | fields)


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"isa": ("avx2",)}, "X (4 cores, AVX2)"),
        ({"isa": ("avx2", "avx_vnni")}, "X (4 cores, AVX2 VNNI)"),
        ({"isa": ("avx2", "avx512"), "physical_cores": 1}, "X (1 core, AVX-512)"),
        ({"isa": ("amx_int8", "avx2", "avx512", "avx512_bf16", "avx512_vnni")},
         "X (4 cores, AVX-512 VNNI bf16 AMX)"),
        ({"isa": ("neon", "sve")}, "X (4 cores, SVE)"),
        ({"isa": ("avx2",), "isa_cap": "avx2"}, "X (4 cores, capped at avx2, emulated)"),
        ({"isa": ("avx2",), "cpu_quota": 2.5}, "X (2 cores, AVX2)"),
        ({}, "X"),
    ],
)  # fmt: skip
def test_a_label_tells_what_sets_a_machine_apart(fields: dict[str, Any], label: str) -> None:
    assert target(**fields).label == label


@pytest.mark.parametrize(
    ("isa", "able"),
    [
        (("avx2", "avx512", "avx512_bf16"), True),
        (("amx_bf16", "avx2"), True),
        (("avx2", "avx512", "avx512_vnni"), False),
        ((), False),
    ],
)
def test_bfloat16_is_multiplied_where_an_instruction_set_does(
    isa: tuple[str, ...], able: bool
) -> None:
    assert target(isa=isa).multiplies_bf16 is able
