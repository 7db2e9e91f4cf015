"""Detectors as what a CPU executes: images in, the heads' raw tensors out.

Choosing boxes from them (decoding, non-maximum suppression) is left out: its time depends on what
is in the image and is no part of the network. Weights are random but for FastestDet's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from _common import ROOT, Said
from _networks import settle_statistics

from paretune.core import Model
from paretune.sources import load_model

SSDLITE_SIZE = 320
#: Side of the image by YOLOX network, as published.
YOLOX = {"yolox-nano": 416, "yolox-tiny": 416, "yolox-s": 640}


def detectors() -> Iterator[tuple[str, Model]]:
    """Every detector that this environment has, SSDLite first; what is missing is said."""
    makers: dict[str, Callable[[], Model]] = {"ssdlite": _ssdlite, "fastestdet": _fastestdet}
    makers |= {name: partial(_yolox, name) for name in YOLOX}
    for name, make in makers.items():
        try:
            yield name, make()
        except (ImportError, FileNotFoundError) as error:
            Said().note(f"{name} is left out: {error}")


def _ssdlite() -> Model:
    """torchvision's ssdlite320_mobilenet_v3_large: boxes and class scores of every anchor."""
    import torch
    from torch import nn
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    class Heads(nn.Module):
        """The detector between its transform and its choice of boxes."""

        def __init__(self, detector: Any) -> None:
            super().__init__()
            self.backbone, self.head = detector.backbone, detector.head

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Images (n, 3, 320, 320) to boxes (n, anchors, 4) and scores (n, anchors, 91)."""
            found = self.head(list(self.backbone(images).values()))
            return found["bbox_regression"], found["cls_logits"]

    torch.manual_seed(0)
    module = Heads(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None))
    settle_statistics(module, SSDLITE_SIZE)
    return load_model(module, input_shape=(3, SSDLITE_SIZE, SSDLITE_SIZE))


def _fastestdet() -> Model:
    """FastestDet with its own weights, from the reference data."""
    folder = Path(os.environ.get("PARETUNE_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
    file = folder / "coco128_val" / "FastestDet.onnx"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: set PARETUNE_REFERENCE_DATA")
    return load_model(file)


def _yolox(name: str) -> Model:
    """A YOLOX network: the raw output of its head, (n, anchors, 85)."""
    import torch
    from yolox.exp import get_exp

    torch.manual_seed(0)
    module = get_exp(exp_name=name).get_model()
    module.head.decode_in_inference = False
    settle_statistics(module, YOLOX[name])
    return load_model(module, input_shape=(3, YOLOX[name], YOLOX[name]))
