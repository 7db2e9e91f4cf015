"""Carry out preprocessing with Pillow, numpy and `tokenizers` only, so artifacts need no PyTorch.

Images follow torchvision's `Resize` and `CenterCrop` on PIL images, which timm uses and Hugging
Face's image processors follow but for half a pixel (`crop_offset`):
https://docs.pytorch.org/vision/stable/transforms.html. EXIF orientation is ignored, as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import (
    ImagePreprocessing,
    InputError,
    MissingPackageError,
    Preprocessing,
    TensorSpec,
    TextPreprocessing,
)
from paretune.data.base import Raw

if TYPE_CHECKING:
    from PIL.Image import Image

Arrays = dict[str, NDArray[Any]]


def apply(preprocessing: Preprocessing, raw: Raw, inputs: tuple[TensorSpec, ...]) -> Arrays:
    """One raw sample as model inputs, without a batch axis.

    Args:
        preprocessing: what to do.
        raw: a PIL image or a text, as `preprocessing` asks.
        inputs: every input of the model, in call order; gives names and dtypes.

    Returns:
        Input name to array: (C, H, W) or (H, W, C) for an image, (max_length,) for a text.

    Raises:
        InputError: the preprocessing does not fit the sample or the inputs.
    """
    if isinstance(preprocessing, TextPreprocessing):
        arrays = _text(preprocessing, raw, inputs)
    else:
        arrays = _image(preprocessing, raw, inputs)
    for spec in inputs:
        check_shape(spec, arrays[spec.name].shape, "the preprocessing gives")
    return arrays


def batch(
    preprocessing: Preprocessing, raws: Sequence[Raw], inputs: tuple[TensorSpec, ...]
) -> Arrays:
    """Several raw samples as model inputs, batch on axis 0.

    Raises:
        InputError: as `apply`; no samples.
    """
    if not raws:
        raise InputError("no samples to preprocess: give at least one")
    rows = [apply(preprocessing, raw, inputs) for raw in raws]
    return {spec.name: np.stack([row[spec.name] for row in rows]) for spec in inputs}


def is_truncated(preprocessing: TextPreprocessing, text: str) -> bool:
    """Whether a text has more tokens than the model is given."""
    tokenizer = _tokenizer(preprocessing.tokenizer, preprocessing.max_length, preprocessing.pad_id)
    return bool(tokenizer.encode(text).overflowing)


def check_shape(spec: TensorSpec, shape: tuple[int, ...], who: str) -> None:
    """Refuse a sample of `shape` (no batch axis) that the input cannot take.

    Args:
        spec: the input.
        shape: the sample's sizes.
        who: the sentence's middle, such as `the data has`.
    """
    wanted = spec.shape[1:]
    fits = len(wanted) == len(shape) and all(
        want in (None, size) for want, size in zip(wanted, shape, strict=True)
    )
    if not fits:
        text = ", ".join("any" if size is None else str(size) for size in wanted)
        raise InputError(
            f"input {spec.name!r} takes samples of shape ({text}) and {who} {tuple(shape)}: "
            "change channels, size or layout to match"
        )


def _image(preprocessing: ImagePreprocessing, raw: Raw, inputs: tuple[TensorSpec, ...]) -> Arrays:
    """The image as the model's only input."""
    from PIL import Image

    if not isinstance(raw, Image.Image):
        raise InputError(
            f"image preprocessing was given {type(raw).__name__}: give images or leave it out"
        )
    if len(inputs) != 1:
        names = ", ".join(spec.name for spec in inputs)
        raise InputError(
            f"images feed one input and the model takes {len(inputs)} ({names}): "
            "give an .npz with an array for each"
        )
    spec = inputs[0]
    colour = _eight_bit(raw).convert("L" if preprocessing.channels == "L" else "RGB")
    pixels = np.asarray(_fit(colour, preprocessing))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if preprocessing.channels == "BGR":
        pixels = pixels[:, :, ::-1]
    values = pixels.astype(np.float32) * np.float32(preprocessing.scale)
    mean, std = (_per_channel(v, values.shape[2]) for v in (preprocessing.mean, preprocessing.std))
    values = (values - mean) / std
    if preprocessing.layout == "CHW":
        values = values.transpose(2, 0, 1)
    if np.issubdtype(np.dtype(spec.dtype), np.integer):
        limits = np.iinfo(spec.dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return {spec.name: np.ascontiguousarray(values, dtype=spec.dtype)}


def _per_channel(values: tuple[float, ...], channels: int) -> NDArray[np.float32]:
    """Mean or std with one value for each channel."""
    if len(values) not in (1, channels):
        # A grey model described with the three-channel defaults of 0 and 1 means just that.
        if len(set(values)) != 1:
            raise InputError(
                f"preprocessing has {len(values)} means or standard deviations for {channels} "
                "channels: give one for each"
            )
        values = values[:1]
    return np.asarray(values, dtype=np.float32)


def _eight_bit(image: Image) -> Image:
    """16-bit and 32-bit greys scaled to 0..255; Pillow's own conversion would clip them."""
    from PIL import Image as Pillow

    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.float64)
        return Pillow.fromarray(np.clip(np.rint(wide / 257.0), 0, 255).astype(np.uint8))
    return image


def _fit(image: Image, preprocessing: ImagePreprocessing) -> Image:
    """Resized and cropped to `preprocessing.size`."""
    from PIL.Image import Resampling

    method = Resampling[preprocessing.interpolation.upper()]
    height, width = preprocessing.size
    if preprocessing.resize == "exact":
        return image.resize((width, height), method)
    shorter = preprocessing.resize_to or max(height, width)
    if image.width <= image.height:
        scaled = (shorter, int(shorter * image.height / image.width))
    else:
        scaled = (int(shorter * image.width / image.height), shorter)
    if scaled != image.size:
        image = image.resize(scaled, method)
    halve = round if preprocessing.crop_offset == "round" else math.floor
    left, top = (
        halve((have - want) / 2) if have >= want else -((want - have) // 2)
        for have, want in ((image.width, width), (image.height, height))
    )
    # Pillow fills what lies outside of the image with black, as torchvision's padding does.
    return image.crop((left, top, left + width, top + height))


def _text(preprocessing: TextPreprocessing, raw: Raw, inputs: tuple[TensorSpec, ...]) -> Arrays:
    """Token ids, mask and types, in the order the model takes them."""
    if not isinstance(raw, str):
        raise InputError(
            f"text preprocessing was given {type(raw).__name__}: give texts or leave it out"
        )
    if len(inputs) != len(preprocessing.inputs):
        raise InputError(
            f"the tokenizer gives {len(preprocessing.inputs)} inputs "
            f"({', '.join(preprocessing.inputs)}) and the model takes {len(inputs)}: "
            "state the inputs in the preprocessing"
        )
    encoding = _tokenizer(
        preprocessing.tokenizer, preprocessing.max_length, preprocessing.pad_id
    ).encode(raw)
    parts = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    unknown = [name for name in preprocessing.inputs if name not in parts]
    if unknown:
        raise InputError(f"a tokenizer gives {', '.join(parts)} and no {unknown[0]!r}: remove it")
    # A converter may have brought inputs into another order, or given them other names.
    named = {spec.name for spec in inputs} == set(preprocessing.inputs)
    names = [spec.name for spec in inputs] if named else preprocessing.inputs
    return {
        spec.name: np.asarray(parts[name], dtype=spec.dtype)
        for spec, name in zip(inputs, names, strict=True)
    }


@lru_cache(maxsize=4)
def _tokenizer(definition: str, max_length: int, pad_id: int) -> Any:
    """The tokenizer, truncating and padding to `max_length`."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingPackageError(
            "texts need the package tokenizers: pip install 'paretune[text]'"
        ) from error
    tokenizer = Tokenizer.from_str(definition)
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(length=max_length, pad_id=pad_id)
    return tokenizer
