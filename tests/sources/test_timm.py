from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from paretune.core import InputError, MissingPackageError
from paretune.sources import load_model, source_of
from paretune.sources._timm import preprocessing_of_config
from paretune.testing.sources import check_source

CONFIG = {
    "input_size": (3, 224, 224),
    "interpolation": "bicubic",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "crop_pct": 0.95,
    "crop_mode": "center",
}


def test_preprocessing_of_a_configuration() -> None:
    image = preprocessing_of_config(CONFIG)
    assert (image.size, image.resize, image.resize_to) == ((224, 224), "shortest", 235)
    assert image.interpolation == "bicubic"
    assert preprocessing_of_config({**CONFIG, "crop_mode": "squash"}).resize == "exact"


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
def test_without_timm_says_what_to_install() -> None:
    with pytest.raises(MissingPackageError, match=r"pip install 'paretune\[timm\]'"):
        load_model("timm:resnet18")


@pytest.mark.timm
def test_conforms(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    text = "timm:test_resnet@random"
    model = check_source(source_of(text), text, tmp_path / "f")
    assert model.classes == 1000
    assert model.preprocessing is not None
    state = {key: value + 0 for key, value in model.module.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    same = load_model(f"timm:test_resnet@{tmp_path / 'w.safetensors'}")
    assert same.digest == model.digest


@pytest.mark.timm
def test_preprocessing_equals_timms_transform() -> None:
    import numpy as np
    import timm
    from PIL import Image

    from paretune.data import preprocess

    model = load_model("timm:test_resnet@random")
    transform = timm.data.create_transform(
        **timm.data.resolve_model_data_config(model.module), is_training=False
    )
    ramp = np.linspace(0, 255, 320)
    pixels = np.stack(np.broadcast_arrays(ramp[:200, None], ramp[None, :], 128.0), axis=2)
    image = Image.fromarray(pixels.astype(np.uint8))
    assert model.preprocessing is not None
    ours = preprocess.apply(model.preprocessing, image, model.inputs)["image"]
    np.testing.assert_allclose(ours, transform(image).numpy(), atol=0.05)


@pytest.mark.timm
def test_bad_names_and_no_network() -> None:
    with pytest.raises(InputError, match=r"timm cannot create resnet18x.*there are"):
        load_model("timm:resnet18x@random")
    with pytest.raises(InputError, match=r"cannot be downloaded.*@random") as caught:
        load_model("timm:test_resnet")  # the tests are offline
    assert "\n" not in str(caught.value)
