"""What kernels' names say."""

import pytest

from paretune.engine.machine import ISA_CAPS
from paretune.runtimes import get, names
from paretune.runtimes.kernels import beyond, isa_of


@pytest.mark.parametrize(
    ("kernel", "isa"),
    [
        ("brgconv_avx512_I8", "avx512"),
        ("jit:avx512_core_vnni", "avx512_vnni"),
        ("brgconv_avx512_amx_I8", "amx"),
        ("brg_conv_fwd:avx2_vnni", "avx2_vnni"),
        ("jit_avx2_dw_FP32", "avx2"),
        ("jit_sse42_FP32", "avx2"),
        ("ref_any_I8", None),
        ("aten::convolution", None),
    ],
)
def test_the_instruction_set_of_a_kernel(kernel, isa):
    assert isa_of(kernel) == isa


def test_a_cap_allows_its_own_and_what_came_before():
    assert not beyond("jit_avx2_FP32", "avx512")
    assert not beyond("brgconv_avx512_I8", "avx512")
    assert beyond("brgconv_avx512_I8", "avx2")
    assert beyond("brgconv_avx512_amx_I8", "avx512_vnni")
    assert not beyond("ref_any_I8", "avx2")


def test_every_cap_is_known_to_every_runtime_that_can_be_capped():
    able = [name for name in names() if get(name).isa_environment("avx2") is not None]
    assert {"openvino", "torch-eager", "torch-compile"} <= set(able)
    for name in able:
        settings = [get(name).isa_environment(cap) for cap in ISA_CAPS]
        assert all(settings)
        assert len({str(each) for each in settings}) == len(ISA_CAPS)


def test_matrix_products_of_pytorch_are_capped_too():
    caps = {cap: get("torch-eager").isa_environment(cap) for cap in ("avx2", "avx2_vnni", "avx512")}
    found = [given["MKL_ENABLE_INSTRUCTIONS"] for given in caps.values()]
    assert found == ["AVX2", "AVX2", "AVX512"]
