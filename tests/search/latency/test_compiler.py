"""Composed networks as int8 programs: what a module says in a way of its own is converted too."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from paretune.runtimes.base import Settings
from paretune.runtimes.registry import get
from paretune.search.blocks import find
from paretune.search.latency._compiler import Compiler
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
