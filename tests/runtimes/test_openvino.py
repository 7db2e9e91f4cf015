import os

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from paretune import runtimes
from paretune.core import Model, TensorSpec, UnsupportedError
from paretune.engine import machine
from paretune.runtimes import Settings, _nncf
from paretune.runtimes._openvino import properties
from paretune.runtimes._openvino_session import _precision, input_indices
from tests.runtimes import models

OPENVINO = runtimes.get("openvino")


def difference_ir(folder, batch):
    """An IR of a - b, so that swapped inputs show."""
    a = ops.parameter([batch or -1, 3], np.float32, name="a")
    b = ops.parameter([batch or -1, 3], np.float32, name="b")
    ports = [a.output(0), b.output(0)]
    for port, name in zip(ports, "ab", strict=True):
        port.get_tensor().set_names({name})
    path = folder / "difference.xml"
    ov.save_model(ov.Model([ops.subtract(a, b)], [b, a], "difference"), path)
    spec = [TensorSpec(name=name, shape=(batch, 3), dtype="float32") for name in "ab"]
    return Model(
        name="difference",
        source="test",
        inputs=tuple(spec),
        outputs=(TensorSpec(name="y", shape=(batch, 3), dtype="float32"),),
        task="other",
        digest=f"difference-{batch}",
        openvino=path,
    )


@pytest.mark.parametrize("batch", [None, 2])
def test_an_ir_is_fed_by_name_whatever_its_order(batch, tmp_path):
    (tmp_path / "p").mkdir()
    model = difference_ir(tmp_path, batch)
    program = OPENVINO.prepare(model, "f32", tmp_path / "p")
    assert program.max_batch == batch
    feeds = {"a": np.full((2, 3), 5, np.float32), "b": np.full((2, 3), 2, np.float32)}
    session = OPENVINO.load(program, Settings(batch=2))
    assert session.run(feeds)[0].tolist() == [[3.0] * 3] * 2


def test_a_fixed_batch_is_a_reason(tmp_path):
    (tmp_path / "p").mkdir()
    program = OPENVINO.prepare(difference_ir(tmp_path, 2), "f32", tmp_path / "p")
    with pytest.raises(UnsupportedError, match="batch is fixed at 2, so a batch of 3"):
        OPENVINO.load(program, Settings(batch=3))


def test_sizes_that_are_known_are_compiled_for(tmp_path):
    """A file with free height and width, of which the user has said how large they are."""
    image = ops.parameter([-1, 3, -1, -1], np.float32, name="x")
    image.output(0).get_tensor().set_names({"x"})
    weights = ops.constant(np.ones((4, 3, 3, 3), np.float32))
    made = ops.convolution(image, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    ov.save_model(ov.Model([made], [image], "free"), tmp_path / "free.xml")
    spec = TensorSpec(name="x", shape=(None, 3, 8, 8), dtype="float32")
    out = TensorSpec(name="y", shape=(None, 4, 8, 8), dtype="float32")
    model = Model(
        name="free", source="test", inputs=(spec,), outputs=(out,), task="other", digest="free",
        openvino=tmp_path / "free.xml",
    )  # fmt: skip
    (tmp_path / "p").mkdir()
    session = OPENVINO.load(OPENVINO.prepare(model, "f32", tmp_path / "p"), Settings(batch=2))
    assert session._compiled.inputs[0].get_partial_shape().to_shape() == [2, 3, 8, 8]
    assert session.run({"x": np.ones((2, 3, 8, 8), np.float32)})[0].shape == (2, 4, 8, 8)


def test_int8_executes_in_int8(tmp_path):
    model = models.conv_model()
    calibration = [models.feeds_of(model, 1, seed) for seed in range(8)]
    program = OPENVINO.prepare(model, "int8", tmp_path, calibration=calibration)
    session = OPENVINO.load(program, Settings(profile=True))
    convolutions = [x for x in session.layers(models.feeds_of(model, 1)) if "Conv" in x.op]
    assert len(convolutions) == 3
    assert {layer.precision for layer in convolutions} == {"int8"}


@pytest.mark.parametrize(("isa", "most"), [(("avx2",), 64), (("avx2", "avx_vnni"), 127)])
def test_weights_are_cut_to_7_bits_where_products_would_saturate(isa, most, tmp_path, monkeypatch):
    target = machine.detect().model_copy(update={"isa": isa})
    monkeypatch.setattr(machine, "detect", lambda: target)
    model = models.conv_model()
    calibration = [models.feeds_of(model, 1, seed) for seed in range(4)]
    program = OPENVINO.prepare(model, "int8", tmp_path, calibration=calibration)
    assert bool(program.needs_isa) == (most > 64)
    graph = ov.Core().read_model(tmp_path / "model.xml")
    weights = [
        node.data.astype(int)
        for node in graph.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.i8
    ]
    assert len(weights) == 4
    # Depthwise kernels, (groups, 1, 1, h, w), add up in 32 bits on every CPU.
    assert max(np.abs(one).max() for one in weights if one.ndim < 5) == most


def test_an_int8_model_is_not_quantised_again(tmp_path):
    model = models.conv_model()
    calibration = [models.feeds_of(model, 1, seed) for seed in range(4)]
    (tmp_path / "one").mkdir()
    OPENVINO.prepare(model, "int8", tmp_path / "one", calibration=calibration)
    again = Model(**{**vars(model), "module": None, "openvino": tmp_path / "one" / "model.xml"})
    with pytest.raises(UnsupportedError, match="quantised already"):
        OPENVINO.prepare(again, "int8", tmp_path, calibration=calibration)


def test_settings_reach_the_plugin(tmp_path):
    program = OPENVINO.prepare(models.conv_model(), "bf16", tmp_path)
    assert set(program.needs_isa) == {"amx_bf16", "avx512_bf16"}
    given = properties(program, Settings(threads=2, streams=2, batch=1))
    compiled = OPENVINO.load(program, Settings(threads=2, streams=2))._compiled
    assert compiled.get_property("NUM_STREAMS") == 2
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    assert given["INFERENCE_PRECISION_HINT"] == "bf16"
    assert given["PERFORMANCE_HINT"] == "THROUGHPUT"


def test_threads_are_pinned_only_where_the_process_is(tmp_path, monkeypatch):
    """All that serve beside one another would share the cores that OpenVINO pins to."""
    program = OPENVINO.prepare(models.conv_model(), "f32", tmp_path)
    for cpus, pinned in (({4, 5}, "YES"), ({4, 5, 6}, "NO")):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cpus=cpus: cpus)
        assert properties(program, Settings(threads=2))["ENABLE_CPU_PINNING"] == pinned


@pytest.mark.parametrize(
    ("kernel", "precision"),
    [
        ("brgconv_avx512_I8", "int8"),
        ("jit_avx512_FP32", "f32"),
        ("ref_i64", ""),
        ("x_bf16", "bf16"),
    ],
)
def test_precision_of_a_kernel(kernel, precision):
    assert _precision(kernel) == precision


@pytest.mark.parametrize(
    ("operators", "transformer"),
    [
        ({"MatMul", "Softmax", "MVN"}, True),
        ({"ScaledDotProductAttention", "MVN"}, True),
        ({"MatMul", "Softmax", "Convolution"}, False),
        ({"MatMul", "MVN"}, False),
    ],
)
def test_transformers_are_told_from_classifiers(operators, transformer):
    assert _nncf._is_transformer(operators) is transformer


def test_another_number_of_inputs_is_a_reason():
    with pytest.raises(UnsupportedError, match="sees 0 inputs where the model has 1"):
        input_indices([], ["x"])
