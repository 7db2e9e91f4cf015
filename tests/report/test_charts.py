import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from paretune.core import LayerTime
from paretune.report import write_charts
from paretune.report.charts import NARROW, WIDE, charts, to_png, to_svg
from paretune.report.charts._layers import MOST
from paretune.report.charts._render import inline, specification
from paretune.report.charts._stages import stages
from tests.report.sample import SAMPLES, sample

ALL = ["frontier", "stages", "sizes", "layers"]


def words(svg):
    space = "{http://www.w3.org/2000/svg}"
    every = ET.fromstring(svg).iter()
    return [part.text or "" for part in every if part.tag in (f"{space}text", f"{space}tspan")]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_chart_fits_its_width(width):
    made = charts(sample(), width=width)
    assert list(made) == ALL
    for chart in made.values():
        svg = to_svg(chart)
        assert float(re.search(r'width="([\d.]+)"', svg).group(1)) <= width + 10


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_can_be_drawn(name):
    for chart in charts(SAMPLES[name]()).values():
        ET.fromstring(to_svg(chart))


def test_one_variant_has_a_scatter_only():
    assert list(charts(SAMPLES["one_variant"]())) == ["frontier"]


def test_the_scatter_marks_chosen_and_baseline_and_tells_a_ruined_variant():
    text = words(to_svg(charts(sample())["frontier"]))
    assert {"chosen", "baseline", "↓ 42.1 %"} <= set(text)
    text = words(to_svg(charts(SAMPLES["nothing_beats_it"]())["frontier"]))
    assert "chosen = baseline" in text


def test_every_measured_variant_is_a_mark_with_its_figures():
    result = sample()
    svg = to_svg(charts(result)["frontier"])
    labels = {
        path.get("aria-label")
        for path in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
        if path.get("aria-label")
    }
    told = [label for label in labels if " ms, " in label]
    assert len(told) == len([v for v in result.variants if v.latency_ms])
    assert "openvino int8 full, 2 threads: 2.60 ms, 89.17%" in told


def test_stages_are_the_fastest_allowed_of_each_kind():
    found = dict(stages(sample()))
    assert found["as it came"].id == sample().baseline
    assert (found["compiled"].runtime, found["compiled"].precision) == ("openvino", "bf16")
    assert found["quantised"].id == sample().chosen
    text = words(to_svg(charts(sample())["stages"]))
    assert "2.60 ms, 7.73x" in text


def test_layers_are_told_apart_by_precision_and_the_rest_is_told():
    svg = to_svg(charts(sample())["layers"])
    text = words(svg)
    assert any("int8 75%, f32 25%" in word for word in text)
    assert "63 more not shown: 52% of the time" in text
    assert len([word for word in text if re.match(r"\d+\. ", word)]) == 2 * MOST


def test_layers_of_equal_name_keep_bars_of_their_own():
    result = sample()
    same = tuple(LayerTime(name="same", op="Add", microseconds=5.0) for _ in range(3))
    result = result.model_copy(update={"layers": {result.chosen: same}})
    svg = to_svg(charts(result)["layers"])
    assert len([word for word in words(svg) if word.endswith(". same")]) == 3
    assert "untold" in words(svg)


def test_a_png_shows_something_on_white():
    image = Image.open(io.BytesIO(to_png(charts(sample())["stages"], scale=1))).convert("RGB")
    pixels = np.asarray(image)
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_charts_reach_for_nothing_outside():
    for chart in charts(sample()).values():
        assert "url" not in str(specification(chart).get("data", {}))
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", to_svg(chart))


def test_ids_of_inlined_charts_do_not_meet():
    svg = (
        '<svg width="10" height="5" viewBox="0 0 10 5"><clipPath id="c"/>'
        '<g clip-path="url(#c)"/><use href="#c"/></svg>'
    )
    text = inline(svg, "p")
    assert 'id="p-c"' in text
    assert "url(#p-c)" in text
    assert 'href="#p-c"' in text
    assert "max-width:10px" in text
    assert ' height="5"' not in text


def test_charts_are_written_in_three_forms(tmp_path):
    result = sample().model_copy(update={"layers": {}})
    written = write_charts(result, tmp_path / "a b")
    assert {path.name for path in written} == {
        f"{name}.{suffix}" for name in ALL[:3] for suffix in ("svg", "png", "html")
    }
    page = (tmp_path / "a b" / "charts" / "stages.html").read_text(encoding="utf-8")
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', page)
