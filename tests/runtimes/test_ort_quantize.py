import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paretune import runtimes
from paretune.runtimes import Settings, _onnxruntime, _ort_quantize
from paretune.sources import load_model

ONNX_RUNTIME = runtimes.get("onnxruntime")


def convolution(folder, opset):
    """A convolution as a file of an opset."""
    weights = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
            helper.make_node("Relu", ["c"], ["y"]),
        ],
        "old",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 8, 8, 8])],
        [numpy_helper.from_array(weights, "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.checker.check_model(made)
    file = folder / "old.onnx"
    onnx.save(made, str(file))
    return file


@pytest.mark.parametrize("opset", [9, 11, 12, 13])
def test_a_model_of_any_opset_is_quantised_per_channel(opset, tmp_path):
    model = load_model(convolution(tmp_path, opset))
    random = np.random.default_rng(1)
    feeds = [{"x": random.standard_normal((1, 3, 8, 8), dtype=np.float32)} for _ in range(8)]
    folders = {p: tmp_path / p for p in ("f32", "int8")}
    results = []
    for precision, folder in folders.items():
        folder.mkdir()
        program = ONNX_RUNTIME.prepare(model, precision, folder, calibration=feeds)
        session = ONNX_RUNTIME.load(program, Settings())
        results.append(session.run(feeds[0])[0])
    graph = onnx.load(str(folders["int8"] / "model.onnx")).graph
    scales = [len(numpy_helper.to_array(x)) for x in graph.initializer if x.name == "w_scale"]
    assert scales == [8]
    exact, quantised = results
    assert np.abs(quantised - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_weights_that_one_file_cannot_hold_lie_beside_it(precision, tmp_path, monkeypatch):
    for module in (_onnxruntime, _ort_quantize):
        monkeypatch.setattr(module, "ONE_FILE_LIMIT", 100)
    file = convolution(tmp_path, 13)
    onnx.save(onnx.load(str(file)), str(file), save_as_external_data=True, location="old.data")
    model = load_model(file)
    feeds = [{"x": np.ones((1, 3, 8, 8), dtype=np.float32)} for _ in range(4)]
    folder = tmp_path / precision
    folder.mkdir()
    program = ONNX_RUNTIME.prepare(model, precision, folder, calibration=feeds)
    assert program.files == ("model.onnx", "model.onnx.data")
    (made,) = ONNX_RUNTIME.load(program, Settings()).run(feeds[0])
    assert made.shape == (1, 8, 8, 8)
    assert np.isfinite(made).all()
