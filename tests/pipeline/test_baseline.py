"""What is said of a baseline, and of labels that nothing looks at."""

import numpy as np
import pytest

from paretune.core import TensorSpec
from paretune.pipeline.intake import bring_in
from paretune.pipeline.request import Request
from paretune.sources import load_model
from tests.pipeline.conftest import run
from tests.pipeline.tiny import digits, write_onnx


@pytest.mark.parametrize("shuffled", [True, False])
def test_labels_that_belong_to_another_order_of_samples_are_told(shuffled, own_home, tmp_path):
    x, y = digits()
    order = np.random.default_rng(0).permutation(len(x))
    labels = y[order] if shuffled else y
    np.savez(tmp_path / "data.npz", image=x, y=labels)
    found = run(
        write_onnx(tmp_path / "tiny.onnx"),
        str(tmp_path / "data.npz"),
        tmp_path / "out",
        precisions=("f32",),
        effort="compile",
    )
    told = [c["text"] for c in found.json["conditions"] if c["kind"] == "baseline"]
    if not shuffled:
        assert told == []
        return
    (text,) = told
    (baseline,) = found.variants(id=found.json["baseline"])
    assert baseline["accuracy"]["value"] < 0.2
    assert f"accuracy of {baseline['accuracy']['value']:.1%}" in text
    assert "above the 10.2% of always naming the commonest class" in text
    assert "Baseline not shown to beat chance" in (found.out / "report.html").read_text()


@pytest.mark.parametrize(
    ("metric", "data", "said"),
    [
        (None, "digits.npz", "labels of the data are not used"),
        (None, "unlabelled.npz", "the data has no labels, so accuracy is fidelity"),
        ("fidelity", "digits.npz", ""),
        ("tests.measure.test_accuracy:each_right", "digits.npz", ""),
    ],
)
def test_labels_that_no_metric_looks_at_are_told(metric, data, said, inputs):
    model = load_model(
        "tests.pipeline.nets:digits",
        task="other",
        input_shape=(TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32"),),
    )
    asked = Request(model="m", data="d", metric=metric)
    text = bring_in(model, str(inputs / data), asked).unlabelled
    assert (said in text) if said else text == ""
    if said.startswith("labels"):
        assert "--metric package.module:function" in text
        assert "accuracy is fidelity with the model as it came" in text
