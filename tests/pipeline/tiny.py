"""A tiny real model of digits, made without PyTorch: fixed random filters, a trained read-out."""

from functools import cache
from pathlib import Path

import numpy as np

from paretune.core import Model
from paretune.sources import load_model

FILTERS = 8
CLASSES = 10


@cache
def digits():
    """(x, y): float32 (1797, 1, 8, 8) in 0..1, int64 (1797,)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images[:, None] / 16).astype(np.float32), bunch.target.astype(np.int64)


def write_digits(file: Path, samples: int | None = None, *, labelled: bool = True) -> Path:
    """The digits as `.npz`, in a shuffled order that is always the same."""
    x, y = digits()
    order = np.random.default_rng(0).permutation(len(x))[:samples]
    arrays = {"image": x[order], "y": y[order]} if labelled else {"image": x[order]}
    np.savez(file, **arrays)
    return file


@cache
def trained():
    """Filters and read-out: ridge regression on the filters' responses, about 97 % right."""
    x, y = digits()
    random = np.random.default_rng(0)
    filters = random.standard_normal((FILTERS, 1, 3, 3)).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(x[:, 0], (3, 3), axis=(1, 2))
    hidden = np.maximum(np.einsum("nhwij,fij->nfhw", patches, filters[:, 0]), 0)
    flat = hidden.reshape(len(x), -1)
    targets = np.eye(CLASSES)[y]
    gram = flat.T @ flat + 3.0 * np.eye(flat.shape[1])
    readout = np.linalg.solve(gram, flat.T @ targets).astype(np.float32)
    return filters, readout


def write_onnx(
    file: Path,
    *,
    nan_after: float | None = None,
    batch: int | str = "N",
    features: bool = False,
) -> Path:
    """The model as ONNX: input `image` (N, 1, 8, 8), output `scores` (N, 10).

    Args:
        nan_after: divide by zero where an image's sum is above this, so that outputs are NaN.
        batch: a fixed batch, or the name of a free one.
        features: give `flat` (N, 288), too.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    filters, readout = trained()
    weights = {"filters": filters, "readout": readout}
    nodes = [
        helper.make_node("Conv", ["image", "filters"], ["conv"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["conv"], ["hidden"]),
        helper.make_node("Flatten", ["hidden"], ["flat"]),
        helper.make_node("MatMul", ["flat", "readout"], ["scores" if nan_after is None else "raw"]),
    ]
    if nan_after is not None:
        weights |= {"limit": np.asarray(nan_after, np.float32), "axes": np.asarray([1, 2, 3])}
        nodes += [
            helper.make_node("ReduceSum", ["image", "axes"], ["sum"], keepdims=0),
            helper.make_node("Sub", ["limit", "sum"], ["room"]),
            helper.make_node("Sqrt", ["room"], ["root"]),  # of a negative number: NaN
            helper.make_node("Unsqueeze", ["root", "last"], ["column"]),
            helper.make_node("Mul", ["raw", "column"], ["scores"]),
        ]
        weights["last"] = np.asarray([1])
    outputs = {"scores": CLASSES} | ({"flat": FILTERS * 36} if features else {})
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 1, 8, 8])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, size])
            for name, size in outputs.items()
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(file))
    return file


def write_two_inputs(file: Path) -> Path:
    """An ONNX model of two inputs: `left` (N, 4) and `right` (N, 3), to `scores` (N, 3)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    weights = {
        "a": random.standard_normal((4, 3)).astype(np.float32),
        "b": random.standard_normal((3, 3)).astype(np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["left", "a"], ["one"]),
            helper.make_node("MatMul", ["right", "b"], ["two"]),
            helper.make_node("Add", ["one", "two"], ["scores"]),
        ],
        "two",
        [
            helper.make_tensor_value_info("left", TensorProto.FLOAT, ["N", 4]),
            helper.make_tensor_value_info("right", TensorProto.FLOAT, ["N", 3]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(file))
    return file


def onnx_model(file: Path) -> Model:
    """The tiny model, brought in."""
    return load_model(file if file.exists() else write_onnx(file))
