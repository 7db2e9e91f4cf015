import pickle
import subprocess
import sys

import torch

from paretune import runtimes
from paretune.core import Model, TensorSpec
from paretune.runtimes import _pt2, _pt2e
from tests.runtimes import models


class OwnConv(torch.nn.Conv2d):
    """A convolution that calls the function itself, as padded convolutions do."""

    def forward(self, x):
        return torch.nn.functional.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1)), self.weight)


def own_conv_model():
    torch.manual_seed(2)
    model = models.conv_model()
    return Model(
        **{
            **vars(model),
            "outputs": (TensorSpec(name="y", shape=(None, 8, 16, 16), dtype="float32"),),
            "module": torch.nn.Sequential(OwnConv(3, 8, 3), torch.nn.ReLU()).eval(),
            "digest": "own-conv",
        }
    )


def test_convolutions_called_as_functions_are_quantised():
    model = own_conv_model()
    program, _ = _pt2e.quantize(model, [models.feeds_of(model, 1, seed) for seed in range(4)])
    convolutions = [n for n in program.graph.nodes if n.target == torch.ops.aten.conv2d.default]
    weights = [node.args[1].target for node in convolutions]
    assert weights == [torch.ops.quantized_decomposed.dequantize_per_channel.default]


def test_the_file_holds_no_weight_in_f32(tmp_path):
    model = models.conv_model()
    program, isa = _pt2e.quantize(model, [models.feeds_of(model, 1, seed) for seed in range(4)])
    path = tmp_path / "model.pt2"
    _pt2.save(program, path)
    kept = _pt2.load(path).state_dict.values()
    assert {tensor.dtype for tensor in kept if tensor.ndim > 1} == {torch.int8}
    assert "avx512_vnni" in isa or isa == ()


PROCESS = """
import pickle, sys
from paretune import runtimes
program, feeds = pickle.load(sys.stdin.buffer)
session = runtimes.get("torch-compile").load(program, runtimes.Settings(profile=True))
layers = session.layers(feeds, calls=2)
print(sum("qconv" in x.kernel and x.precision == "int8" for x in layers))
"""


def test_another_process_runs_int8_kernels(tmp_path):
    model = models.conv_model()
    calibration = [models.feeds_of(model, 1, seed) for seed in range(4)]
    program = runtimes.get("torch-compile").prepare(
        model, "int8", tmp_path, calibration=calibration
    )
    given = pickle.dumps((program, models.feeds_of(model, 1)))
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], input=given, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"3"]
