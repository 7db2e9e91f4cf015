"""CIFAR-10 (JPEG) and the ResNets trained on CIFAR-10: the reference task of the search benchmarks.

The images are a lossy copy of CIFAR-10 (Krizhevsky 2009; JPEG, quality 75): figures on it are never
CIFAR-10 figures. The networks are those of He et al. 2015 (arXiv 1512.03385, section 4.2) with
parameter-free shortcuts; their weights come from checkpoints of Y. Idelbayev, trained on lossless
images: `train_baselines.py` fine-tunes them to the JPEG images. From the folder above:

`paretune optimize benchmarks._cifar:resnet56@WEIGHTS --data benchmarks._cifar:dataset`, where
`python benchmarks/train_baselines.py --task c10` makes WEIGHTS and prints where they are.

The folder of the reference data is `PARETUNE_REFERENCE_DATA`, `../shared/data` by default.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from paretune.core import InputError, Model
from paretune.data import ArrayFolder, Dataset, Samples, materialise
from paretune.data.splits import complete
from paretune.search.blocks import find
from paretune.search.network.site import flows
from paretune.search.proposals import Proposals
from paretune.sources import load_model
from paretune.store import paths

CHECKPOINTS = {20: "12fca82f", 32: "d509ac18", 44: "014dd654", 56: "4bfd9763"}
#: What the checkpoints were trained with.
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
SIZE = 32
_TRAIN, _TEST = 50_000, 10_000


class Basic(nn.Module):
    """Two 3x3 convolutions beside a shortcut that subsamples and pads with zero channels."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.pad = stride, (channels - channels_in) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) -> (n, c', h', w')."""
        made = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(made + x)


class ResNet(nn.Module):
    """Three stages of 16, 32 and 64 channels."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Basic(16, 16, 1) for _ in range(n)))
        self.layer2 = nn.Sequential(*(Basic(32 if i else 16, 32, 1 if i else 2) for i in range(n)))
        self.layer3 = nn.Sequential(*(Basic(64 if i else 32, 64, 1 if i else 2) for i in range(n)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, 32, 32) -> logits (n, 10)."""
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean(dim=(2, 3)))


def resnet(depth: int) -> ResNet:
    """A network of that depth with random weights, in eval mode."""
    return ResNet(depth).eval()


def resnet20() -> ResNet:
    """For `benchmarks._cifar:resnet20`."""
    return resnet(20)


def resnet56() -> ResNet:
    """For `benchmarks._cifar:resnet56`."""
    return resnet(56)


def folder(name: str) -> Path:
    """A folder of the reference data."""
    default = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    found = Path(os.environ.get("PARETUNE_REFERENCE_DATA", default)) / name
    if not found.is_dir():
        raise InputError(
            f"{found} was not found: set PARETUNE_REFERENCE_DATA to the reference data"
        )
    return found


def converted(depth: int) -> Path:
    """The published checkpoint as safetensors, written once."""
    from safetensors.torch import save

    file = cached(f"resnet{depth}-{CHECKPOINTS[depth]}.safetensors")
    if not file.is_file():
        source = folder("resnet_cifar10") / f"resnet{depth}-{CHECKPOINTS[depth]}.th"
        state = torch.load(source, map_location="cpu", weights_only=True)["state_dict"]
        plain = {key.removeprefix("module."): x.contiguous() for key, x in state.items()}
        resnet(depth).load_state_dict(plain)  # says what does not fit before it is written
        paths.write_bytes_atomic(file, save(plain))
    return file


def loaded(depth: int, weights: Path) -> ResNet:
    """A network with these weights, in eval mode."""
    from safetensors.torch import load_file

    network = resnet(depth)
    network.load_state_dict(load_file(weights))
    return network


def tensors(data: Dataset, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """All inputs of a split, float32 (n, 3, 32, 32), and its classes, int64 (n,)."""
    rows = [data.samples.raw(int(i))["x"] for i in data.splits[split]]
    labels = data.labels(split)
    assert labels is not None
    return torch.from_numpy(np.stack(rows)), torch.from_numpy(labels)


class Jpegs(Samples):
    """The images, decoded when asked for, as normalised tensors; the test images come last."""

    kind = "tensors"

    def __init__(self) -> None:
        self.name = "CIFAR-10 (JPEG)"
        self._files = [folder("cifar10_jpeg") / f"cifar10_jpeg_{s}.npz" for s in ("train", "test")]
        parts = [np.load(file, allow_pickle=False)["labels"] for file in self._files]
        self.labels = np.concatenate(parts).astype(np.int64)
        names = np.load(self._files[0], allow_pickle=False)["classes"]
        self.class_names = tuple(str(name) for name in names)

    @cached_property
    def _encoded(self) -> list[tuple[bytes, NDArray[np.int64]]]:
        """Bytes and offsets of both files."""
        found = []
        for file in self._files:
            with np.load(file, allow_pickle=False) as arrays:
                found.append((arrays["data"].tobytes(), arrays["offsets"].astype(np.int64)))
        return found

    def __len__(self) -> int:
        return _TRAIN + _TEST

    def raw(self, index: int) -> Any:
        """`x`: float32 (3, 32, 32)."""
        from PIL import Image

        data, offsets = self._encoded[index >= _TRAIN]
        place = index - _TRAIN if index >= _TRAIN else index
        encoded = data[offsets[place] : offsets[place + 1]]
        image = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"), dtype=np.float32)
        return {"x": np.ascontiguousarray(((image / 255 - MEAN) / STD).transpose(2, 0, 1))}

    def identity(self) -> str:
        """From the files' names, sizes and times of change."""
        facts = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in self._files]
        return repr((facts, MEAN.tolist(), STD.tolist()))


def dataset() -> Dataset:
    """50,000 images to train on; of the 10,000 test images 5,000 to search on, 5,000 held out.

    The published networks were trained on all 50,000: on any of these they are better than they
    are, which would make every other network look worse than it is.
    """
    samples = Jpegs()
    parts = {"train": np.arange(_TRAIN), "holdout": np.arange(_TRAIN, _TRAIN + _TEST)}
    splits = complete(parts, samples.labels, name=samples.name)
    return Dataset(samples, splits)


@dataclass(frozen=True)
class Task:
    """A network, its data as arrays, and what its blocks may become."""

    model: Model
    train: ArrayFolder
    search: ArrayFolder
    proposals: Proposals


def task(depth: int, weights: Path, *, examples: int = 32) -> Task:
    """The reference task.

    Args:
        depth: of the network.
        weights: of the network, as `converted` gives them.
        examples: images that blocks are looked at with, and that replacements inherit by.
    """
    model = load_model(loaded(depth, weights), input_shape=(3, SIZE, SIZE))
    data = dataset()
    splits = [materialise(data, s, model, paths.home() / "splits") for s in ("train", "search")]
    train, search = splits
    # The images lie in the order of their classes.
    rows = np.random.default_rng(0).choice(train.n, examples, replace=False)
    x = train.tensors(rows)[0]
    blocks = find(model.module, (x[:1],))
    proposals = Proposals(model.module, blocks, flows(model.module, blocks, (x,)))
    return Task(model, train, search, proposals)


def cached(name: str) -> Path:
    """Where a trained network is kept."""
    made = paths.home() / "benchmarks"
    made.mkdir(parents=True, exist_ok=True)
    return made / name
