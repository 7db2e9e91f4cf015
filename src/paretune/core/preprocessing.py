"""How a raw sample becomes model input: plain, typed, stored in the artifact's manifest.

Only the description lives here; `paretune.data.preprocess` carries it out without PyTorch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from paretune.core._base import Noun

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


class ImagePreprocessing(Noun):
    """Decode, resize, centre-crop, scale and normalise an image to (C, H, W) float32.

    Attributes:
        size: (height, width) in pixels that the model receives.
        resize: `shortest`: shorter side to `resize_to`, then centre crop to `size`;
            `exact`: both sides straight to `size`, no crop.
        resize_to: pixels of the shorter side before the crop (ignored by `exact`).
        crop_offset: how half a pixel of a centre crop is resolved: `round` as torchvision and
            timm, `floor` as Hugging Face's image processors (ignored by `exact`).
        interpolation: the resampling filter, as in Pillow.
        channels: colour order the model expects; `L` is one grey channel.
        scale: factor on the 0..255 pixel value before mean and std.
        mean: per-channel mean, in scaled units.
        std: per-channel standard deviation, in scaled units.
        layout: `CHW` (PyTorch, ONNX) or `HWC` (TensorFlow).
    """

    kind: Literal["image"] = "image"
    size: tuple[int, int]
    resize: Literal["shortest", "exact"] = "shortest"
    resize_to: int | None = None
    crop_offset: Literal["round", "floor"] = "round"
    interpolation: Interpolation = "bilinear"
    channels: Literal["RGB", "BGR", "L"] = "RGB"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    layout: Literal["CHW", "HWC"] = "CHW"


class TextPreprocessing(Noun):
    """Tokenise a text with a Hugging Face fast tokenizer to fixed-length int64 inputs.

    Attributes:
        tokenizer: the whole `tokenizer.json`, so that an artifact needs no other file.
        max_length: tokens after truncation and padding.
        inputs: which of `input_ids`, `attention_mask`, `token_type_ids` the model takes, in order.
        pad_id: token id used for padding.
    """

    kind: Literal["text"] = "text"
    tokenizer: str = Field(repr=False)
    max_length: int
    inputs: tuple[str, ...]
    pad_id: int = 0


Preprocessing = Annotated[ImagePreprocessing | TextPreprocessing, Field(discriminator="kind")]
