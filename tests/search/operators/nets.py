"""Small networks of every kind that operators meet, with blocks and flows found once each."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from paretune.search.blocks import Block, find
from paretune.search.network.site import Flow, Site, flows, site

SAMPLES = 8


@dataclass(frozen=True)
class Case:
    """A network in eval mode with its blocks and what flows through them."""

    module: nn.Module
    inputs: tuple[torch.Tensor, ...]
    blocks: tuple[Block, ...]
    flowing: list[Flow]

    def site(self, first: int, last: int | None = None) -> Site:
        return site(self.module, self.blocks, self.flowing, first, first if last is None else last)

    def sites(self) -> list[Site]:
        """One single-block site of every kind and shape change."""
        seen = {}
        for block in self.blocks:
            same = block.input_shape == block.output_shape
            seen.setdefault((block.kind, same), self.site(block.index))
        return list(seen.values())


class PlainBlock(nn.Module):
    """A basic block whose shortcut has no parameters: every second pixel, new channels zero."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.stride, self.more = stride, outside - inside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        short = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
        return F.relu(y + short)


class PlainResNet(nn.Module):
    """As the CIFAR-10 ResNets of He et al.: three stages, activations called as functions."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64), depth: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        blocks, inside = [], widths[0]
        for stage, width in enumerate(widths):
            for index in range(depth):
                blocks.append(PlainBlock(inside, width, 2 if stage and not index else 1))
                inside = width
        self.layers = nn.Sequential(*blocks)
        self.linear = nn.Linear(inside, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(F.avg_pool2d(y, y.shape[3]).flatten(1))


def settled(module: nn.Module, *inputs: torch.Tensor) -> nn.Module:
    """In eval mode, BatchNorm statistics those of the inputs, no branch scaled to nothing."""
    norms = [m for m in module.eval().modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    with torch.no_grad():
        module(*inputs)
    return module.eval()


def case_of(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Case:
    blocks = find(module, inputs)
    return Case(module, inputs, blocks, flows(module, blocks, inputs))


def _digits() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    from paretune.sources._digits_net import build

    return build(0), (torch.randn(SAMPLES, 1, 8, 8),)


def _plain() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return PlainResNet(), (torch.randn(SAMPLES, 3, 16, 16),)


def _hf_resnet() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    import transformers as hf

    config: dict[str, Any] = {"hidden_sizes": [64, 96], "depths": [2, 2], "embedding_size": 32}
    made = hf.ResNetForImageClassification(hf.ResNetConfig(**config, num_labels=10))
    return made, (torch.randn(SAMPLES, 3, 32, 32),)


def _hf_efficientnet() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    import transformers as hf

    config = hf.EfficientNetConfig(
        width_coefficient=0.5,
        depth_coefficient=0.5,
        hidden_dim=640,
        image_size=64,
        num_labels=10,
    )
    made: Any = hf.EfficientNetForImageClassification(config)
    made.efficientnet.pooler = nn.AdaptiveAvgPool2d(1)
    return made, (torch.randn(SAMPLES, 3, 64, 64),)


def _hf_bert() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    import transformers as hf

    config = hf.BertConfig(
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=256,
        vocab_size=100,
        max_position_embeddings=32,
        num_labels=2,
        initializer_range=0.2,
    )
    words = torch.randint(0, 100, (SAMPLES, 16))
    mask = torch.ones_like(words)
    mask[: SAMPLES // 2, 12:] = 0
    return hf.BertForSequenceClassification(config), (words, mask)


def _lite0() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    from paretune.sources import load_model

    module = load_model("efficientnet-lite0").module
    return module.eval(), (torch.randn(4, 3, 224, 224),)


_MAKERS = {
    "digits": _digits,
    "plain": _plain,
    "hf-resnet": _hf_resnet,
    "hf-efficientnet": _hf_efficientnet,
    "hf-bert": _hf_bert,
    "lite0": _lite0,
}
#: Of the networks.
NAMES = tuple(_MAKERS)


@lru_cache
def case(name: str) -> Case:
    """A network by name; shared between tests, so never to be changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module, inputs = _MAKERS[name]()
        if name != "lite0":
            settled(module, *inputs)
    return case_of(module, inputs)


def timm_case(name: str, size: int = 64, samples: int = SAMPLES) -> Case:
    """One of timm's networks with random weights."""
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        inputs = (torch.randn(samples, 3, size, size),)
        return case_of(settled(timm.create_model(name, pretrained=False), *inputs), inputs)


def answer(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The one tensor that a network gives."""
    with torch.no_grad():
        made = module(*inputs)
    return made if isinstance(made, torch.Tensor) else made[0]


def copied(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).eval()
