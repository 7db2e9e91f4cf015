from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NETS = '''
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, picture):
        return self.head(torch.relu(self.conv(picture)).mean((2, 3)))


class Two(nn.Module):
    """Two inputs of different types, outputs in a dictionary inside a tuple."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(10, 4)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens, extra):
        hidden = self.table(tokens).mean(1)
        return ({"scores": self.head(torch.cat((hidden, extra), 1)), "hidden": hidden},)


class One(nn.Module):
    """Works for one sample only."""

    def forward(self, x):
        return x.reshape(4, 2).softmax(1).reshape(1, 8)


def build():
    return Net()


def two():
    return Two()


def one():
    return One()


def broken():
    raise RuntimeError("no such checkpoint\\nmore detail")


def number():
    return 3


ready = Net()
'''


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A user's folder with a module of factories; gives a factory's MODEL text."""
    name = f"user_nets_{abs(hash(tmp_path)) % 10**9}"
    (tmp_path / f"{name}.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    return lambda factory: f"{name}:{factory}"
