"""This machine's limits, and a network's layers against them."""

from __future__ import annotations

import pytest

from paretune.core import InputError, LayerTime
from paretune.engine import machine
from paretune.pipeline.peaks import peaks
from paretune.pipeline.roofline import limit, roofline
from tests.pipeline.tiny import FILTERS, write_onnx


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    model = write_onnx(tmp_path_factory.mktemp("roofline") / "tiny.onnx")
    return roofline(str(model), threads=1)


def test_every_layer_has_a_limit_under_its_time(found):
    assert found.variant == "tiny/openvino/int8/fast/t1s1b1"
    products = [layer for layer in found.layers if layer.macs]
    assert products
    assert all(0 < layer.fraction < 1.02 for layer in products)
    assert found.limit_us < found.layers_us
    assert found.call_us > 0


def test_the_work_of_a_layer_is_what_its_shapes_say(found):
    """Filters of 3 x 3 inside 8 x 8 pixels of one channel; see `tiny.py`."""
    convolution = next(x for x in found.layers if x.op == "Convolution")
    assert convolution.macs == FILTERS * 6 * 6 * 3 * 3


def test_int8_reaches_more_than_f32_where_the_cpu_has_it(found):
    rates = found.peaks.macs_per_s
    assert set(rates) == {"f32", "int8"}
    if {"avx512_vnni", "amx_int8", "avx_vnni"} & set(machine.detect().isa):
        assert rates["int8"] > 1.5 * rates["f32"]


def test_caches_are_faster_than_memory(found):
    sizes = found.peaks.bytes_per_s
    assert sizes[0][1] > sizes[-1][1]


def test_a_large_layer_comes_near_the_peak_that_was_measured(found):
    one = LayerTime(
        name="x", op="Convolution", precision="int8", microseconds=1000.0,
        macs=int(found.peaks.macs_per_s["int8"] / 1000), moved=1000,
    )  # fmt: skip
    assert limit(one, "int8", found.peaks).fraction == pytest.approx(1.0, rel=0.01)


def test_more_threads_than_cores_and_a_precision_that_is_not_there_are_refused(tmp_path):
    model = write_onnx(tmp_path / "tiny.onnx")
    with pytest.raises(InputError, match="999 threads"):
        roofline(str(model), threads=999)
    with pytest.raises(InputError, match="cannot be run in f16 by openvino"):
        roofline(str(model), precision="f16", threads=1)
    with pytest.raises(InputError, match="999 threads"):
        peaks(machine.detect(), 999, {"f32"})
