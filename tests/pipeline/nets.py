"""The tiny model of digits as PyTorch modules."""

import os

import torch
from torch import nn

from tests.pipeline import tiny


class Digits(nn.Module):
    """One convolution and a read-out, as `tiny.write_onnx` writes them: 8x8 to ten scores."""

    def __init__(self):
        super().__init__()
        filters, readout = tiny.trained()
        self.conv = nn.Conv2d(1, len(filters), 3, bias=False)
        self.head = nn.Linear(*readout.shape, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.from_numpy(filters))
            self.head.weight.copy_(torch.from_numpy(readout.T.copy()))

    def forward(self, image):
        return self.head(torch.relu(self.conv(image)).flatten(1))


def digits():
    return Digits()


def raising():
    raise RuntimeError("no weights today")


def not_a_module():
    return 3


class Centred(nn.Module):
    """Gives a sample other answers in company: what it subtracts is the batch's mean."""

    def forward(self, image):
        return (image - image.mean(dim=0)).flatten(1) + image.flatten(1).sum(dim=1, keepdim=True)


class Refusing(nn.Module):
    """Answers few samples at once."""

    def forward(self, image):
        if len(image) > 4:
            raise RuntimeError("too many")
        return image.flatten(1)


class Dying(nn.Module):
    """Ends its process where it is given many samples."""

    def forward(self, image):
        if len(image) > 4:
            os._exit(9)
        return image.flatten(1)
