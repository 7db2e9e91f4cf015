"""What is said of outputs that no constraint looks at."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import WorkerError
from paretune.pipeline import other_outputs
from paretune.pipeline.other_outputs import tell_others
from tests.pipeline.conftest import run
from tests.pipeline.tiny import write_onnx


def told(found):
    return [c["text"] for c in found.json["conditions"] if c["kind"] == "outputs"]


def optimized(model, inputs, out, *precisions):
    return run(
        model,
        str(inputs / "digits.npz"),
        out,
        runtimes=("onnxruntime",),
        precisions=precisions,
        objective="size",  # of which int8 has less
        constraints=("accuracy >= baseline - 50 pt",),
        threads=(1,),
        budget="60s",
    )


def test_a_run_says_how_near_the_other_outputs_are(inputs, own_home, tmp_path):
    model = write_onnx(tmp_path / "two.onnx", features=True)
    found = optimized(model, inputs, tmp_path / "out", "f32", "int8")
    assert "int8" in found.json["chosen"]
    (text,) = told(found)
    assert "first of 2 outputs, scores" in text
    near = float(re.search(r"64 samples: flat ([01]\.\d+)$", text)[1])
    assert 0.9 < near < 1
    assert "Held on one output" in (found.out / "report.html").read_text()


@pytest.mark.parametrize("features", [False, True])
def test_nothing_is_said_of_one_output_or_the_model_as_it_came(
    features, inputs, own_home, tmp_path
):
    model = write_onnx(tmp_path / "m.onnx", features=features)
    assert told(optimized(model, inputs, tmp_path / "out", "f32")) == []


SHAPES = {"scores": (4, 10), "boxes": (4, 2, 4), "mask": (4, 9)}


def said(monkeypatch, ours):
    """What is told of outputs, against ones all of 1, or of an error."""
    heard = []
    names = [SimpleNamespace(name=name) for name in SHAPES]
    context = SimpleNamespace(
        model=SimpleNamespace(outputs=names), tell=lambda kind, text: heard.append((kind, text))
    )
    found = SimpleNamespace(baseline="baseline")
    ones = [np.ones(shape, np.float32) for shape in SHAPES.values()]

    def outputs_of(context, candidate, arrays):
        if isinstance(ours, Exception):
            raise ours
        return ones if candidate == "baseline" else ours

    monkeypatch.setattr(other_outputs, "_run", outputs_of)
    tell_others(context, found, "chosen", None)
    ((kind, text),) = heard
    assert kind == "outputs"
    return text


def test_every_other_output_has_its_figure(monkeypatch):
    halved = [np.full(shape, 0.5, np.float32) for shape in SHAPES.values()]
    assert said(monkeypatch, halved).endswith("4 samples: boxes 0.500, mask 0.500")


def test_what_cannot_be_compared_is_told_so(monkeypatch):
    ours = [np.ones((4, 10)), np.ones((4, 3, 4)), np.full((4, 9), np.nan)]
    text = said(monkeypatch, ours)
    assert text.endswith("boxes of another shape, (4, 3, 4) for (4, 2, 4), mask not finite")
    assert "could not be compared: it died" in said(monkeypatch, WorkerError("it died"))
