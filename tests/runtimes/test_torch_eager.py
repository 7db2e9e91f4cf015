import numpy as np
import pytest
import torch

from paretune import runtimes
from paretune.core import Model, TensorSpec, UnsupportedError
from paretune.runtimes import Settings
from tests.runtimes import models

EAGER = runtimes.get("torch-eager")


class Branching(torch.nn.Module):
    """Its path depends on its input's values, which no graph can hold."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(x) if x.sum() > 0 else -self.head(x)


def branching_model():
    return Model(
        name="branching",
        source="test",
        inputs=(TensorSpec(name="x", shape=(None, 4), dtype="float32"),),
        outputs=(TensorSpec(name="y", shape=(None, 2), dtype="float32"),),
        task="other",
        digest="branching",
        module=Branching().eval(),
    )


def test_a_module_that_cannot_be_pickled_runs_exported(tmp_path):
    model = models.unpicklable_model()
    program = EAGER.prepare(model, "f32", tmp_path)
    assert program.payload is None
    assert program.files == ("model.pt2",)
    assert program.needs_code == ""
    feeds = models.feeds_of(model, 3)
    with torch.no_grad():
        want = model.module(torch.from_numpy(feeds["x"])).numpy()
    got = EAGER.load(program, Settings(batch=3)).run(feeds)[0]
    assert np.allclose(got, want, atol=1e-6)


def test_a_module_that_cannot_be_exported_runs_and_says_why(tmp_path):
    model = branching_model()
    program = EAGER.prepare(model, "f32", tmp_path)
    assert program.files == ("weights.safetensors", "not-exported.txt")
    assert "torch.export cannot trace branching" in program.needs_code
    assert "torch.export cannot trace branching" in (tmp_path / "not-exported.txt").read_text()
    feeds = {"x": -np.ones((2, 4), dtype=np.float32)}
    with torch.no_grad():
        want = model.module(torch.from_numpy(feeds["x"])).numpy()
    assert np.allclose(EAGER.load(program, Settings(batch=2)).run(feeds)[0], want)


def test_a_program_without_payload_or_export_is_refused(tmp_path):
    program = EAGER.prepare(branching_model(), "f32", tmp_path).model_copy(update={"payload": None})
    with pytest.raises(
        UnsupportedError, match=r"weights alone, because torch\.export cannot trace branching"
    ):
        EAGER.load(program, Settings())


def test_another_form_of_model_is_refused(tmp_path):
    model = Model(name="m", source="t", inputs=(), outputs=(), task="other", digest="d",
                  onnx=tmp_path / "m.onnx")  # fmt: skip
    for name in ("torch-eager", "torch-compile"):
        with pytest.raises(UnsupportedError, match="runs PyTorch modules, and the model is ONNX"):
            runtimes.get(name).prepare(model, "f32", tmp_path)


def test_bf16_keeps_batch_statistics_in_f32():
    from paretune.runtimes import _torch

    module = _torch.cast_module(models.SmallNet(), torch.bfloat16)
    assert module.stem[0].weight.dtype == torch.bfloat16
    assert module.stem[1].running_var.dtype == torch.float32


def test_layers_name_the_modules_of_the_users_model(tmp_path):
    model = models.conv_model()
    session = EAGER.load(EAGER.prepare(model, "f32", tmp_path), Settings(profile=True))
    layers = session.layers(models.feeds_of(model, 1), calls=2)
    assert [(layer.name, layer.op) for layer in layers[:2]] == [
        ("stem.0", "Conv2d"),
        ("stem.1", "BatchNorm2d"),
    ]
    assert "head" in {layer.name for layer in layers}
