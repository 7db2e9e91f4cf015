"""A Hugging Face image processor's settings as `ImagePreprocessing`.

The settings are those of `preprocessor_config.json`
(https://huggingface.co/docs/transformers/main_classes/image_processor); older files write sizes as
bare numbers. Some processors do something of their own with them, known here by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paretune.core import ImagePreprocessing, InputError, Interpolation

#: Values of Pillow's `Resampling`, which the files store.
_FILTERS: dict[int, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
#: ConvNeXT's processor squeezes without a crop from this size on.
_CONVNEXT_SQUEEZED = 384


def image_preprocessing(settings: Mapping[str, Any], channels: int = 3) -> ImagePreprocessing:
    """What the processor with these settings does to one image.

    Args:
        settings: contents of `preprocessor_config.json`.
        channels: colours that the model takes.

    Raises:
        InputError: it does something that `ImagePreprocessing` cannot describe.
    """
    kind = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    size, resize, resize_to = _geometry(settings, kind)
    scale, mean, std = _values(settings, kind, channels)
    colours = "BGR" if settings.get("do_flip_channel_order") else "RGB"
    return ImagePreprocessing.model_validate(
        {
            "size": size,
            "resize": resize,
            "resize_to": resize_to,
            "interpolation": _filter(settings.get("resample", 2)),
            "channels": "L" if channels == 1 else colours,
            "scale": scale,
            "mean": mean,
            "std": std,
        }
    )


def _geometry(settings: Mapping[str, Any], kind: str) -> tuple[tuple[int, int], str, int | None]:
    """Size the model receives, how it is reached, and the shorter side before a crop."""
    size = settings.get("size")
    crop = _pair(settings.get("crop_size")) if settings.get("do_center_crop") else None
    if not settings.get("do_resize", True):
        raise _unknown(kind, "does not resize, so images of any size reach the model")
    shortest = _shortest(size, kind)
    if shortest is None:
        exact = _pair(size)
        if exact is None:
            raise _unknown(kind, f"resizes to {size}")
        if crop is not None and crop != exact:
            raise _unknown(kind, f"resizes to {exact} without keeping proportions, then crops")
        return exact, "exact", None
    share = settings.get("crop_pct")
    if share is not None and "ConvNext" in kind and shortest >= _CONVNEXT_SQUEEZED:
        return (shortest, shortest), "exact", None
    if share is not None:
        return crop or (shortest, shortest), "shortest", int(shortest / share)
    if kind.startswith("Levit"):  # its file states the size after the crop
        return crop or (shortest, shortest), "shortest", int(256 / 224 * shortest)
    if crop is None:
        raise _unknown(kind, "keeps proportions without a crop, so images differ in size")
    return crop, "shortest", shortest


def _shortest(size: Any, kind: str) -> int | None:
    if isinstance(size, Mapping):
        edge = size.get("shortest_edge")
        return None if edge is None else int(edge)
    # Before sizes were dictionaries, these processors meant the shorter side by a number.
    keeps = ("ConvNext", "CLIP", "Levit", "PoolFormer", "MobileNet", "Bit", "ResNet")
    return size if isinstance(size, int) and kind.startswith(keeps) else None


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, Mapping):
        height, width = size.get("height"), size.get("width")
        return None if height is None or width is None else (int(height), int(width))
    if isinstance(size, int):
        return size, size
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return int(size[0]), int(size[1])
    return None


def _values(
    settings: Mapping[str, Any], kind: str, channels: int
) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """Scale, mean and standard deviation of `(pixel * scale - mean) / std`."""
    scale = float(settings.get("rescale_factor") or 1 / 255)
    if not settings.get("do_rescale", True):
        scale = 1.0
    mean, std = (0.0,) * channels, (1.0,) * channels
    if settings.get("do_normalize"):
        mean = _each(settings.get("image_mean", 0.5), channels)
        std = _each(settings.get("image_std", 0.5), channels)
        if kind.startswith("EfficientNet") and settings.get("include_top", True):
            std = tuple(value * value for value in std)  # it divides once more
    if settings.get("rescale_offset"):  # to -1..1 before normalising
        mean = tuple(value + 1.0 for value in mean)
    return scale, mean, std


def _each(values: Any, channels: int) -> tuple[float, ...]:
    many = tuple(values) if isinstance(values, (list, tuple)) else (values,)
    return tuple(float(v) for v in (many * channels if len(many) == 1 else many))


def _filter(resample: Any) -> Interpolation:
    if resample not in _FILTERS:
        raise _unknown("", f"resizes by Pillow's filter {resample}")
    return _FILTERS[resample]


def _unknown(kind: str, what: str) -> InputError:
    return InputError(
        f"the image processor {kind or 'of the model'} {what}, which cannot be described here: "
        "give preprocessing, such as imagenet or a JSON file"
    )
