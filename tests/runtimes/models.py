"""The small models that the runtime tests run."""

import numpy as np
import torch
from torch import nn

from paretune.core import Model, TensorSpec


class SmallNet(nn.Module):
    """A residual convolutional classifier, 3x16x16 to 5 classes."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.block = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1, groups=16),
            nn.BatchNorm2d(16),
            nn.ReLU6(),
            nn.Conv2d(16, 16, 1),
            nn.BatchNorm2d(16),
        )
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(x + self.block(x))
        return self.head(x.mean((2, 3)))


class TwoInputs(nn.Module):
    """Token ids (batch, 6) int64 and features (batch, 4) float32 to scores and an embedding."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.mix = nn.Linear(12, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens, features):
        pooled = self.words(tokens).mean(1)
        hidden = torch.tanh(self.mix(torch.cat([pooled, features], dim=1)))
        return self.head(hidden), hidden


def conv_model():
    torch.manual_seed(0)
    net = SmallNet()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(16, 3, 16, 16))  # batch statistics that are not the initial ones
    return Model(
        name="small",
        source="test",
        inputs=(TensorSpec(name="x", shape=(None, 3, 16, 16), dtype="float32"),),
        outputs=(TensorSpec(name="scores", shape=(None, 5), dtype="float32"),),
        task="classification",
        digest="small-conv",
        module=net.eval(),
    )


def two_input_model():
    torch.manual_seed(1)
    return Model(
        name="two",
        source="test",
        inputs=(
            TensorSpec(name="tokens", shape=(None, 6), dtype="int64"),
            TensorSpec(name="features", shape=(None, 4), dtype="float32"),
        ),
        outputs=(
            TensorSpec(name="scores", shape=(None, 3), dtype="float32"),
            TensorSpec(name="hidden", shape=(None, 8), dtype="float32"),
        ),
        task="classification",
        digest="two-inputs",
        module=TwoInputs().eval(),
    )


def unpicklable_model():
    """A module whose class lives in a function, as in a user's notebook."""

    class Local(SmallNet):
        pass

    model = conv_model()
    local = Local()
    local.load_state_dict(model.module.state_dict())
    return Model(**{**vars(model), "module": local.eval(), "digest": "local"})


def feeds_of(model, batch, seed=0):
    """Uniform, so that a few calibration samples span the range of all later ones."""
    random = np.random.default_rng(seed)
    feeds = {}
    for spec in model.inputs:
        shape = spec.concrete(batch)
        if spec.dtype == "int64":
            feeds[spec.name] = random.integers(0, 20, shape)
        else:
            feeds[spec.name] = random.uniform(-1.7, 1.7, shape).astype(spec.dtype)
    return feeds
