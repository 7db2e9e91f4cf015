"""A small residual network, one that passes a mask along, and operators that misbehave.

Workers import this file, so nothing here may depend on the test that runs.
"""

import os
import signal
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from paretune.search.operators._families import Basic
from paretune.search.operators._registry import _OPERATORS, get, register

SIZE = 8


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.short = nn.Identity()
        if stride != 1 or channels != channels_in:
            self.short = nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, x):
        return F.relu(self.short(x) + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Tiny(nn.Module):
    """Blocks: stem, three of 16 channels, two of 32, head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1)
        self.stage1 = nn.Sequential(*(Block(16, 16) for _ in range(3)))
        self.stage2 = nn.Sequential(Block(16, 32, 2), Block(32, 32))
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        x = self.stage2(self.stage1(F.relu(self.stem(x))))
        return self.head(x.mean(dim=(2, 3)))


class Scaled(nn.Module):
    """A block that is passed a row of its own for each sample."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x, scale):
        return x + self.fc(x) * scale


class Passing(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Scaled(), Scaled()

    def forward(self, x):
        scale = (x.detach().abs().mean(dim=1, keepdim=True) > 0.7).float()
        return self.second(self.first(x, scale), scale)


class Ravenous(nn.Module):
    """Needs more memory than there is for more than 4 samples at once, when trained."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        if self.training and len(x) > 4:
            raise torch.OutOfMemoryError("by design")
        return self.inside(x)


class Explosive(nn.Module):
    """Gives what is inside it, and nothing finite in training."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return self.inside(x) * (float("inf") if self.training else 1.0)


class Faulty(Basic):
    """A basic block that fails in the way its parameter says."""

    name = "faulty"
    kinds = ("unsound", "diverges", "dies", "dies-once", "hungry")

    def propose(self, site):
        if len(site.blocks) == 1 and type(site.module.members[0]) is Block:
            yield from ({"how": how} for how in self.kinds)

    def __reduce__(self):
        return registered, ()

    def build(self, site, params, *, seed):
        piece = super().build(site, {"width": 0.5, "active": True}, seed=seed)
        how = params["how"]
        if how == "dies-once":
            mark = Path(os.environ["PARETUNE_HOME"]) / f"died-{site.first.index}"
            how = "sound" if mark.exists() else "dies"
            mark.touch()
        if how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "unsound":
            piece.branch[0].conv.weight.data.fill_(float("nan"))
        wrapped = {"hungry": Ravenous, "diverges": Explosive}.get(how)
        return wrapped(piece).eval() if wrapped else piece


def registered():
    """The operator, known to this process from now on."""
    if "faulty" not in _OPERATORS:
        register(Faulty)
    return get("faulty")


def forget():
    """Take it away again."""
    _OPERATORS.pop("faulty", None)
