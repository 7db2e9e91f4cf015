from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from paretune.core import ImagePreprocessing, InputError, TensorSpec
from paretune.data import apply
from paretune.sources import load_model, sources
from paretune.sources._digits_net import build


@pytest.mark.parametrize("text", ["", "no-such-model", "no/such/folder", "a:b:c", "x y"])
def test_an_unknown_text_lists_the_forms(text: str) -> None:
    with pytest.raises(InputError, match=r"hf:NAME.*FILE\.onnx.*package\.module:factory"):
        load_model(text)


def test_near_misses_are_told() -> None:
    with pytest.raises(InputError, match="did you mean efficientnet-lite0"):
        load_model("efficientnet-lit0")
    with pytest.raises(InputError, match=r"dotted name, my\.net:build"):
        load_model("./my/net.py:build")
    with pytest.raises(InputError, match="is a pickle"):
        load_model("model.pth")


def test_every_form_is_registered() -> None:
    names = {source.name for source in sources()}
    assert names >= {"factory", "huggingface", "onnx", "openvino", "timm", "zoo"}
    assert sources()[-1].name == "factory"


def test_preprocessing_texts(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten())
    model = load_model(net, input_shape=(3, 112, 112), preprocessing="imagenet")
    image = model.preprocessing
    assert isinstance(image, ImagePreprocessing)
    assert image.size == (112, 112)
    assert image.resize_to == 128
    assert image.mean == (0.485, 0.456, 0.406)
    grey = load_model(build(), input_shape=(1, 8, 8), preprocessing="unit").preprocessing
    assert grey == ImagePreprocessing(
        size=(8, 8), resize="exact", channels="L", mean=(0.0,), std=(1.0,)
    )
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"kind": "image", "size": [8, 8], "channels": "L"}))
    told = load_model(build(), preprocessing=str(file))  # its size is the input shape
    assert told.inputs[0].shape == (None, 1, 8, 8)
    assert isinstance(told.preprocessing, ImagePreprocessing)


def test_bad_preprocessing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither imagenet nor unit nor a JSON file"):
        load_model(build(), input_shape=(1, 8, 8), preprocessing="imagnet")
    with pytest.raises(InputError, match="three colours but the model takes 1"):
        load_model(build(), input_shape=(1, 8, 8), preprocessing="imagenet")
    with pytest.raises(InputError, match="takes no image of a fixed size"):
        load_model(torch.nn.Linear(4, 2), input_shape=(4,), preprocessing="unit")
    file = tmp_path / "p.json"
    file.write_text('{"kind": "image", "size": "large"}')
    with pytest.raises(InputError, match=r"does not fit at image\.size"):
        load_model(build(), preprocessing=str(file))


class Bytes(torch.nn.Module):
    """Takes pixels as integers and scales them itself."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image.float() / 255).mean((2, 3))


def integers(kind: str) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="image", shape=(None, 3, 8, 8), dtype=kind),)


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_unit_leaves_pixels_as_they_are_where_integers_are_taken(kind: str) -> None:
    model = load_model(Bytes(), input_shape=integers(kind), preprocessing="unit")
    assert model.preprocessing is not None
    white = Image.new("RGB", (8, 8), (255, 128, 1))
    pixels = apply(model.preprocessing, white, model.inputs)["image"]
    assert pixels[:, 0, 0].tolist() == [255, 128, 1]


@pytest.mark.parametrize(("text", "kind"), [("imagenet", "uint8"), ("unit", "int8")])
def test_fractions_are_refused_where_integers_are_taken(text: str, kind: str) -> None:
    with pytest.raises(InputError, match=f"{text} does not fit input 'image', which takes {kind}"):
        load_model(Bytes(), input_shape=integers(kind), preprocessing=text)


def test_labels_and_task() -> None:
    model = load_model(build(), input_shape=(1, 8, 8), labels=[str(i) for i in range(10)])
    assert model.labels == tuple("0123456789")
    with pytest.raises(InputError, match="2 labels are given for a model of 10 classes"):
        load_model(build(), input_shape=(1, 8, 8), labels=["a", "b"])
    other = load_model(build(), input_shape=(1, 8, 8), task="other")
    assert other.classes is None


def test_no_tensor_and_non_finite_outputs() -> None:
    class Words(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> str:
            return "cat"

    class Infinite(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / 0

    with pytest.raises(InputError, match="returns no tensor but str"):
        load_model(Words(), input_shape=(4,))
    assert load_model(Infinite(), input_shape=(4,)).classes == 4


def test_what_torch_export_made_comes_in_and_torchscript_is_refused():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4)).eval()
    x = torch.rand(2, 3, 2, 2)
    batch = {0: torch.export.Dim("batch")}
    made = torch.export.export(net, (x,), dynamic_shapes=(batch,)).module()
    model = load_model(made, input_shape=(3, 2, 2))
    assert model.task == "classification"
    torch.testing.assert_close(model.module(x), net(x))
    for script in (torch.jit.script(net), torch.jit.trace(net, x)):
        with pytest.raises(InputError, match="is TorchScript, which PyTorch exports no more"):
            load_model(script, input_shape=(3, 2, 2))


class Difference(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"less": a - b, "more": a + b}


def test_inputs_that_are_named_as_parameters_go_where_they_belong() -> None:
    specs = [TensorSpec(name=name, shape=(None, 3), dtype="float32") for name in ("b", "a")]
    model = load_model(Difference(), input_shape=specs)
    assert [spec.name for spec in model.outputs] == ["less", "more"]
    b, a = torch.ones(2, 3), torch.full((2, 3), 5.0)
    less, more = model.module(b, a)
    assert torch.equal(less, a - b)
    assert torch.equal(more, a + b)
    elsewhere = [spec.model_copy(update={"name": f"{spec.name}_"}) for spec in specs]
    assert torch.equal(load_model(Difference(), input_shape=elsewhere).module(b, a)[0], b - a)
