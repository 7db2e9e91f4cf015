"""ONNX files as exporters write them."""

import numpy as np
import onnx

from paretune.runtimes import Settings, registry
from paretune.sources import load_model
from tests.pipeline.tiny import write_onnx


def test_a_free_batch_written_as_a_number_is_free(tmp_path):
    write_onnx(tmp_path / "tiny.onnx")
    graph = onnx.load(str(tmp_path / "tiny.onnx"))
    for port in (*graph.graph.input, *graph.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value = -1
    onnx.save(graph, str(tmp_path / "numbered.onnx"))
    model = load_model(tmp_path / "numbered.onnx")
    (tmp_path / "program").mkdir()
    runtime = registry.get("onnxruntime")
    program = runtime.prepare(model, "f32", tmp_path / "program")
    assert program.max_batch is None
    session = runtime.load(program, Settings(batch=3))
    name, shape = model.inputs[0].name, model.inputs[0].shape[1:]
    assert session.run({name: np.zeros((3, *shape), "float32")})[0].shape[0] == 3
