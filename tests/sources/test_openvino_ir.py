from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from paretune.core import InputError, UnsupportedError
from paretune.sources import forms, load_model, source_of
from paretune.testing.sources import check_source


def save(file: Path, *, named: bool = True) -> str:
    x = ops.parameter([-1, 4], np.float32, name="x")
    weight = ops.constant(np.arange(20, dtype=np.float32).reshape(4, 5) / 20)
    y = ops.relu(ops.matmul(x, weight, False, False))
    if named:
        x.output(0).get_tensor().set_names({"x"})
        y.output(0).get_tensor().set_names({"y"})
    ov.save_model(ov.Model([y], [x], "tiny"), file, compress_to_fp16=False)
    return str(file)


def test_conforms(tmp_path: Path) -> None:
    text = save(tmp_path / "m.xml")
    model = check_source(source_of(text), text, tmp_path / "f")
    assert (model.inputs[0].name, model.outputs[0].name) == ("x", "y")
    assert model.native_runtime == "openvino"
    assert forms.as_openvino(model, tmp_path / "f") == Path(text)
    with pytest.raises(UnsupportedError, match="has no ONNX form"):
        forms.as_onnx(model, tmp_path / "f")


def test_nameless_ports_have_names(tmp_path: Path) -> None:
    text = save(tmp_path / "m.xml", named=False)
    model = check_source(source_of(text), text, tmp_path / "f")
    assert model.inputs[0].name
    assert model.outputs[0].name


def test_missing_and_truncated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.xml does not exist"):
        load_model(tmp_path / "gone.xml")
    file = Path(save(tmp_path / "m.xml"))
    weights = file.with_suffix(".bin")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4])
    with pytest.raises(InputError, match=r"m\.bin beside .* is truncated \(76 of 80 bytes\)"):
        load_model(file)
    weights.unlink()
    with pytest.raises(InputError, match=r"needs m\.bin beside it"):
        load_model(file)
    weights.write_bytes(whole)
    text = file.read_text()
    file.write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match="is not a whole OpenVINO IR"):
        load_model(file)
    file.write_text("<html></html>")
    with pytest.raises(InputError, match="its root is <html>"):
        load_model(file)
    file.write_text(text.replace('type="ReLU"', 'type="Frobnicate"'))
    with pytest.raises(InputError, match=r"OpenVINO cannot read .*Frobnicate") as caught:
        load_model(file)
    assert "\n" not in str(caught.value)


def test_a_truncated_tflite_file(tmp_path: Path) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(b"\x1c\0\0\0TFL3" + bytes(20))
    with pytest.raises(InputError, match="OpenVINO cannot read") as caught:
        load_model(file)
    assert "\n" not in str(caught.value)


MAKE = """
import sys
import tensorflow as tf


class Net(tf.Module):
    def __init__(self):
        tf.random.set_seed(0)
        self.kernel = tf.Variable(tf.random.normal((3, 3, 3, 4)))
        self.head = tf.Variable(tf.random.normal((4, 5)))

    @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float32, name="image")])
    def __call__(self, image):
        hidden = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(image, self.kernel, 1, "SAME")), [1, 2])
        return {"scores": tf.matmul(hidden, self.head)}


net = Net()
tf.saved_model.save(net, sys.argv[1], signatures=net.__call__.get_concrete_function())
lite = tf.lite.TFLiteConverter.from_saved_model(sys.argv[1]).convert()
open(sys.argv[2], "wb").write(lite)
"""


@pytest.mark.tensorflow
def test_tensorflow_files_conform(tmp_path: Path) -> None:
    folder, lite = tmp_path / "saved", tmp_path / "m.tflite"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}  # a process of its own: TF is loud
    subprocess.run(
        [sys.executable, "-c", MAKE, str(folder), str(lite)],
        check=True,
        capture_output=True,
        env=environment,
    )
    saved = check_source(source_of(str(folder)), str(folder), tmp_path / "f")
    assert saved.inputs[0].name == "image"
    assert saved.inputs[0].shape == (None, 8, 8, 3)
    assert saved.classes == 5
    unit = load_model(folder, preprocessing="unit").preprocessing
    assert unit is not None
    assert getattr(unit, "layout", None) == "HWC"
    check_source(source_of(str(lite)), str(lite), tmp_path / "f")
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        load_model(folder)
