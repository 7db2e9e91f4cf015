from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paretune.core import InputError, UnsupportedError
from paretune.sources import Request, forms, load_model, source_of
from paretune.testing.sources import check_source


def tiny(op: str = "Relu", domain: str = "", **attributes: int) -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.arange(20, dtype=np.float32).reshape(4, 5) / 20, "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node(op, ["h"], ["y"], name="last", domain=domain, **attributes),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [weight],
    )
    imports = [helper.make_opsetid("", 17)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def save(model: onnx.ModelProto, file: Path) -> str:
    file.write_bytes(model.SerializeToString())
    return str(file)


def test_conforms(tmp_path: Path) -> None:
    text = save(tiny(), tmp_path / "m.onnx")
    model = check_source(source_of(text), text, tmp_path / "f")
    assert model.task == "classification"
    assert model.inputs[0].shape == (None, 4)
    assert model.native_runtime == "onnxruntime"
    assert forms.as_onnx(model, tmp_path / "f") == Path(text)
    with pytest.raises(UnsupportedError, match="only a PyTorch module can be exported"):
        forms.exported(model, tmp_path / "f")


def test_external_data(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    onnx.save(tiny(), file, save_as_external_data=True, location="w.data", size_threshold=0)
    check_source(source_of(str(file)), str(file), tmp_path / "f")
    before = load_model(file).digest
    data = tmp_path / "w.data"
    whole = data.read_bytes()
    data.write_bytes(whole[:-4] + b"\0\0\0\0")
    assert load_model(file).digest != before
    data.write_bytes(whole[:-4])
    with pytest.raises(InputError, match=r"w\.data, which is truncated \(76 of 80 bytes\)"):
        load_model(file)
    data.unlink()
    with pytest.raises(InputError, match=r"w\.data, which is not beside it"):
        load_model(file)


@pytest.mark.parametrize("op", [("Frobnicate", ""), ("Relu", "my.ops")])
def test_an_unsupported_operator_is_named(tmp_path: Path, op: tuple[str, str]) -> None:
    text = save(tiny(*op), tmp_path / "m.onnx")
    with pytest.raises(InputError, match=f"unsupported operator {op[0]} .node last"):
        load_model(text)


def test_an_operator_newer_than_the_opset(tmp_path: Path) -> None:
    text = save(tiny("Mish"), tmp_path / "m.onnx")  # since opset 18
    with pytest.raises(InputError, match=r"Mish .* does not exist in opset 17"):
        load_model(text)


def test_an_unsupported_operator_in_a_branch(tmp_path: Path) -> None:
    model = tiny()
    inner = helper.make_graph(
        [helper.make_node("Frobnicate", ["h"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    condition = numpy_helper.from_array(np.array(True), "c")
    model.graph.initializer.append(condition)
    model.graph.node.append(
        helper.make_node("If", ["c"], ["unused"], then_branch=inner, else_branch=inner)
    )
    with pytest.raises(InputError, match="operator Frobnicate"):
        load_model(save(model, tmp_path / "m.onnx"))


def test_missing_truncated_and_invalid(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.onnx does not exist"):
        load_model(tmp_path / "gone.onnx")
    whole = tiny().SerializeToString()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        file = tmp_path / "cut.onnx"
        file.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"is empty|is not a whole|is not a valid") as caught:
            load_model(file)
        assert "\n" not in str(caught.value)
    broken = tiny()
    broken.graph.node[0].input[0] = "nowhere"
    with pytest.raises(InputError, match="is not a valid ONNX model"):
        load_model(save(broken, tmp_path / "broken.onnx"))


def test_shapes_given_beside(tmp_path: Path) -> None:
    model = tiny()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "k"
    text = save(model, tmp_path / "m.onnx")
    assert load_model(text).inputs[0].shape == (None, None)
    assert load_model(text, input_shape=(4,)).inputs[0].shape == (None, 4)
    fixed = save(tiny(), tmp_path / "fixed.onnx")
    with pytest.raises(InputError, match="contradicts input x"):
        load_model(fixed, input_shape=(7,))
    with pytest.raises(InputError, match="has its weights inside"):
        source_of(fixed).load(fixed, Request(weights=Path("w.safetensors")))
