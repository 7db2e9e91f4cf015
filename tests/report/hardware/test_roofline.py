"""Layers against limits: what bounds them, why they are slower, how it is shown."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from paretune.core import LayerTime
from paretune.core.roofline import Peaks, Roofline
from paretune.pipeline.roofline import limit
from paretune.report.charts import NARROW, WIDE, roofline_chart, to_svg
from paretune.report.hardware import roofline_table
from paretune.report.hardware.roofline_why import why
from tests.report.hardware.test_machines import target

PEAKS = Peaks(
    threads=2,
    macs_per_s={"f32": 1e11, "int8": 4e11},
    bytes_per_s=((16_384, 4e11), (1_048_576, 2e11), (268_435_456, 2e10)),
)


def layer(op: str = "Convolution", us: float = 100.0, **fields: object) -> LayerTime:
    known = {"name": "l", "op": op, "precision": "int8", "microseconds": us}
    return LayerTime.model_validate(known | fields)


def test_a_layer_is_bound_by_what_takes_longer() -> None:
    dense = limit(layer(macs=20_000_000, moved=100_000), "int8", PEAKS)
    assert (dense.bound, dense.limit_us) == ("arithmetic", pytest.approx(50.0))
    assert dense.fraction == pytest.approx(0.5)
    assert dense.lost_us == pytest.approx(50.0)
    wide = limit(layer(macs=1_000_000, moved=2_000_000), "int8", PEAKS)
    assert (wide.bound, wide.limit_us) == ("memory", pytest.approx(10.0))
    slow = limit(layer(macs=20_000_000, moved=100_000, precision="f32"), "int8", PEAKS)
    assert slow.limit_us == pytest.approx(200.0)


def test_what_is_not_told_has_no_limit() -> None:
    found = limit(layer(), "int8", PEAKS)
    assert (found.bound, found.limit_us) == ("untold", 0.0)
    assert (found.lost_us, found.why) == (0.0, "")
    limits = (limit(layer(us=30.0, macs=0, moved=100_000), "int8", PEAKS), found)
    told = Roofline(target=target("a"), variant="v", peaks=PEAKS, layers=limits, call_us=130.0)
    assert told.untold_us == 100.0
    said = roofline_table.summary(told)
    assert said[2].startswith("Of layers that take 77% of the time the runtime tells no shapes")
    assert not any("no shapes" in line for line in roofline_table.summary(whole()))


def test_bandwidth_is_that_of_the_next_smaller_size() -> None:
    assert PEAKS.bandwidth(1) == 4e11
    assert PEAKS.bandwidth(20_000) == 4e11
    assert PEAKS.bandwidth(1_048_576) == 2e11
    assert PEAKS.bandwidth(10**9) == 2e10


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (layer("Reorder"), "layout or precision"),
        (layer(precision="f32"), "runs in f32 between int8 layers"),
        (layer("Reduce"), "squeeze-excite"),
        (layer("Eltwise", precision="f32"), "of its own in f32"),
        (layer("GroupConvolution", macs=9000, moved=1000), "depthwise"),
        (layer("FullyConnectedQuantizedLegacy", macs=1000, moved=1000), "weights that are used"),
        (layer(us=2.0, macs=10**6, moved=1000), "too small"),
        (layer(macs=10**6, moved=1000), "does not fill the vector units"),
    ],
)
def test_why_a_layer_is_slow(given: LayerTime, said: str) -> None:
    assert said in why(given, "int8", 0.1)


def test_a_layer_that_even_memory_does_not_explain_has_a_slow_kernel() -> None:
    slow = layer("FullyConnected", macs=1000, moved=1000, kernel="ref_any_I8")
    assert "the kernel (ref_any_I8) is slow" in why(slow, "int8", 0.02)


def test_nothing_is_said_of_a_layer_at_its_limit() -> None:
    assert why(layer(macs=10**6, moved=1000), "int8", 0.9) == ""


def whole() -> Roofline:
    layers = [
        layer(name="conv", us=100.0, macs=20_000_000, moved=100_000),
        layer("GroupConvolution", name="dw", us=60.0, macs=400_000, moved=400_000),
        layer("Eltwise", name="add", us=20.0, moved=300_000, precision="f32", macs=0),
        layer("Reorder", name="reorder", us=5.0, moved=50_000, macs=0, precision="f32"),
    ]
    limits = tuple(limit(one, "int8", PEAKS) for one in layers)
    return Roofline(target=target("a"), variant="net/x", peaks=PEAKS, layers=limits, call_us=190.0)


def test_the_whole_and_its_worst_layers_are_told_first() -> None:
    found = whole()
    said = roofline_table.summary(found)
    assert said[0].startswith("net/x: 0.19 ms a call; its layers take 0.185 ms, 28% of which")
    assert "int8 400 GMAC/s" in said[1]
    assert said[2].startswith("1. dw (GroupConvolution, int8): 60.0 us, 59.0 above its limit: dep")
    assert [line[:6] for line in said[3:]] == ["2. con", "3. add", "4. reo"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_chart_fits_and_names_the_roof(width: int) -> None:
    drawn = roofline_chart(whole(), width)
    assert drawn is not None
    svg = to_svg(drawn)
    found = re.search(r'width="([\d.]+)"', svg)
    assert found is not None
    assert float(found[1]) <= width + 10
    words = [part.text or "" for part in ET.fromstring(svg).iter() if part.text]
    assert "int8: 400 GMAC/s" in words
    assert "roofs: data of 16 kB (solid) and 256 MB (dashed)" in words
    roofs = re.findall(r'precision: int8; memory: (\w+ \w+)".*?stroke-dasharray="([\d,]+)"', svg)
    assert dict(roofs) == {"16 kB": "1,0", "256 MB": "4,3"}
