"""Layers that come as close to a CPU's peak as OpenVINO can bring them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from paretune.core import Precision, TensorSpec
from paretune.runtimes._openvino import MAIN_FILE, OpenVino
from paretune.runtimes.base import Program

#: Convolutions of (channels, kernel, height and width), channels alike on both sides: large enough
#: to be far from every overhead, small enough for their weights to stay in a second-level cache.
SHAPES = ((256, 3, 28), (512, 1, 28), (1024, 1, 14), (128, 3, 56), (256, 3, 14))


def write(folder: Path, precision: Precision, shape: tuple[int, int, int]) -> Program:
    """One convolution as a program, in a folder that exists.

    Args:
        folder: empty.
        precision: `f32`, `bf16` or `int8`.
        shape: of `SHAPES`.
    """
    import openvino as ov
    import openvino.opset13 as op

    channels, kernel, size = shape
    random = np.random.default_rng(0)
    image = op.parameter([1, channels, size, size], np.float32, name="image")
    weights = random.standard_normal((channels, channels, kernel, kernel), dtype=np.float32)
    left: Any = image
    right: Any = op.constant(weights)
    if precision == "int8":
        left, right = _quantised(op, left, 256), _quantised(op, right, 255)
    pad = [kernel // 2] * 2
    convolved = op.convolution(left, right, [1, 1], pad, pad, [1, 1])
    # Its result is quantised, too, as between the layers of a network.
    last = _quantised(op, op.relu(convolved), 256) if precision == "int8" else op.relu(convolved)
    pooled = op.reduce_max(last, np.array([2, 3]), True)
    graph = ov.Model([op.result(pooled)], [image], "peak")
    graph.outputs[0].get_tensor().set_names({"scores"})
    graph.inputs[0].get_tensor().set_names({"image"})
    ov.save_model(graph, str(folder / MAIN_FILE), compress_to_fp16=False)
    return Program(
        runtime=OpenVino.name,
        precision=precision,
        folder=folder,
        files=(MAIN_FILE, "model.bin"),
        inputs=(TensorSpec(name="image", dtype="float32", shape=(1, channels, size, size)),),
        outputs=(TensorSpec(name="scores", dtype="float32", shape=(1, channels, 1, 1)),),
        max_batch=1,
    )


def _quantised(op: Any, node: Any, levels: int) -> Any:
    """A node behind a quantiser that keeps it within -4 and 4."""
    low, high = np.float32(-4), np.float32(4)
    return op.fake_quantize(node, low, high, low, high, levels)
