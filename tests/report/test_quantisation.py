import pytest

from paretune.report.quantisation import effects, verdict
from tests.report.sample import SAMPLES, sample


def test_each_runtime_and_recipe_has_its_ratio_and_its_outcome():
    found = {(e.runtime, e.recipe): e for e in effects(sample())}
    assert len(found) == 5
    full = found["openvino", "full"]
    assert full.ratio.value == pytest.approx(5.52 / 2.60)
    assert full.ratio.ci95[0] < full.ratio.value < full.ratio.ci95[1]
    assert full.outcome == "ok"
    slower = found["onnxruntime", "percentile"]
    assert slower.ratio.value < 1
    assert slower.drop.value == pytest.approx(0.009)
    assert slower.outcome.startswith("rejected: accuracy")
    failed = found["torch-compile", "x86"]
    assert failed.ratio is None
    assert "Unsupported operator" in failed.outcome


def test_the_verdict_gives_the_range():
    assert "from 0.90x to 2.12x" in verdict(effects(sample()))
    assert "2 of 5 recipes" in verdict(effects(sample()))
    assert verdict(effects(SAMPLES["one_variant"]())) == "No int8 variant was tried."


def test_another_batch_is_not_compared():
    result = sample()
    moved = tuple(
        v.model_copy(update={"batch": 8}) if v.precision == "f32" and v.runtime == "openvino" else v
        for v in result.variants
    )
    found = effects(result.model_copy(update={"variants": moved}))
    assert all(e.ratio is None for e in found if e.runtime == "openvino")
