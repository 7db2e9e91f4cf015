"""Composed networks as int8 programs: what a module says in a way of its own is converted too."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from paretune.core import TensorSpec
from paretune.runtimes.base import Settings
from paretune.runtimes.registry import get
from paretune.search.blocks import find
from paretune.search.latency._compiler import FLOWING, Compiler
from paretune.search.network.reread import FEWEST
from paretune.sources import load_model


class Images:
    """Random images of digits."""

    n = 2

    def feeds(self, start, stop):
        random = np.random.default_rng(0)
        return {"image": random.standard_normal((stop - start, 1, 8, 8)).astype("float32")}


def test_a_pooling_window_larger_than_the_map_compiles(tmp_path):
    plain = load_model("digits-resnet@random")
    module = copy.deepcopy(plain.module)
    module.head[0] = nn.AvgPool2d(256, ceil_mode=True)
    model = replace(plain, module=module)
    blocks = find(module, (torch.zeros(2, 1, 8, 8),))
    compiler = Compiler(model, blocks, Images())
    names = [f"b{block}:{'skip' if block == 1 else 'keep'}" for block in range(len(blocks))]
    program, parts = compiler.program(names, tmp_path)
    assert [part.option for part in parts] == names
    session = get("openvino").load(program, Settings())
    (logits,) = session.run(Images().feeds(0, 1))
    assert np.isfinite(logits).all()


class Sampled:
    """Random inputs of any shape."""

    n = 5

    def __init__(self, *shape):
        self.shape = shape

    def feeds(self, start, stop):
        random = np.random.default_rng(0)
        return {"x": random.standard_normal((stop - start, *self.shape)).astype("float32")}


def costs(module, shape):
    inputs = (TensorSpec(name="x", shape=(None, *shape), dtype="float32"),)
    model = load_model(module.eval(), input_shape=inputs)
    blocks = find(model.module, (torch.from_numpy(Sampled(*shape).feeds(0, 5)["x"]),))
    assert blocks
    return Compiler(model, blocks, Sampled(*shape)).costs()


class Causal(nn.Module):
    """Encoder layers that are passed a mask of tokens against tokens, positionally."""

    def __init__(self):
        super().__init__()
        layers = [nn.TransformerEncoderLayer(16, 2, 32, batch_first=True) for _ in range(3)]
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(16, 3)
        self.register_buffer("mask", torch.triu(torch.full((6, 6), -1e9), 1))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x, self.mask)
        return self.head(x.mean(dim=1))


def test_a_mask_that_has_no_row_a_sample_is_passed_whole():
    assert min(macs for macs, _ in costs(Causal(), (6, 16)).values()) >= 0


class Rotary(nn.Module):
    """Layers that are passed a table with as many rows as a network is calibrated on samples."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Turned() for _ in range(3))
        self.head = nn.Linear(16, 3)
        self.register_buffer("rope", torch.randn(2, 6, 16))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x, self.rope)
        return self.head(x.mean(dim=1))


class Turned(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x, rope):
        cos, sin = rope
        return x + self.down(torch.relu(self.up(x * cos + x.flip(-1) * sin)))


def test_a_table_with_as_many_rows_as_samples_is_passed_whole():
    assert any("width" in name for name in costs(Rotary(), (6, 16)))


def test_nothing_is_fitted_to_what_flows_through():
    assert FLOWING < FEWEST


def test_norms_without_weights_are_left_as_they_are():
    def block():
        return nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8, affine=False), nn.SiLU()
        )

    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        *(block() for _ in range(3)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    )
    found = costs(net, (1, 8, 8))
    assert any("activation" in name or "width" in name for name in found)
