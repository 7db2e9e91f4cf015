"""How samples are prepared, from the short texts that a caller may give."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from paretune.core import ImagePreprocessing, InputError, Preprocessing, TensorSpec

#: The largest value of a pixel.
WHITE = 255
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_NAMES = ("imagenet", "unit")


def preprocessing_of(
    given: Preprocessing | str | None,
    inputs: Sequence[TensorSpec],
    known: Preprocessing | None = None,
) -> Preprocessing | None:
    """The preprocessing to use: what the caller gives, else what the source knows.

    Args:
        given: an object, or `imagenet`, `unit`, or the path of a JSON file.
        inputs: inputs of the model; an image preprocessing takes its size from the first.
        known: what the source knows.

    Raises:
        InputError: the text is neither name nor file, or the model takes no images, or images in
            integers that this preprocessing cannot give.
    """
    if given is None:
        return known
    return prepare_text(given, inputs) if isinstance(given, str) else given


def prepare_text(text: str, inputs: Sequence[TensorSpec] | None) -> Preprocessing | None:
    """The preprocessing that `text` stands for; None where it needs inputs not known yet."""
    if text not in _NAMES:
        return _read(Path(text).expanduser())
    if inputs is None:
        return None
    height, width, colours, channels_last = image_shape(inputs)
    whole = _whole_pixels(text, inputs[0])
    if text == "unit":
        return ImagePreprocessing(
            size=(height, width),
            resize="exact",
            channels="L" if colours == 1 else "RGB",
            scale=1.0 if whole else 1 / WHITE,
            mean=(0.0,) * colours,
            std=(1.0,) * colours,
            layout="HWC" if channels_last else "CHW",
        )
    if colours != 3:
        raise InputError(
            f"preprocessing imagenet is for three colours but the model takes {colours}: "
            "give unit or a JSON file"
        )
    # torchvision's evaluation transform at 224 resizes the shorter side to 256 and crops.
    return ImagePreprocessing(
        size=(height, width),
        resize_to=round(min(height, width) * 256 / 224),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        layout="HWC" if channels_last else "CHW",
    )


def _whole_pixels(text: str, spec: TensorSpec) -> bool:
    """Whether an input takes pixels as they are stored, which to scale would round to black.

    Raises:
        InputError: it takes integers, and `text` stands for fractions or they do not hold a pixel.
    """
    kind = np.dtype(spec.dtype)
    if kind.kind not in "iu":
        return False
    if text == "imagenet" or np.iinfo(kind).max < WHITE:
        raise InputError(
            f"preprocessing {text} does not fit input {spec.name!r}, which takes {kind}: give a "
            "JSON file with the scale, mean and std of its integers"
        )
    return True


def image_shape(inputs: Sequence[TensorSpec]) -> tuple[int, int, int, bool]:
    """Height, width, channels and whether channels are last, of the only input of a model.

    Raises:
        InputError: the input is no image of fixed size.
    """
    shape = inputs[0].shape
    if len(inputs) == 1 and len(shape) == 4:
        _, a, b, c = shape
        if a in (1, 3) and b is not None and c is not None:
            return b, c, a, False
        if c in (1, 3) and a is not None and b is not None:
            return a, b, c, True
    raise InputError(
        f"the model takes no image of a fixed size but {[list(s.shape) for s in inputs]}: "
        "leave preprocessing out, or give input_shape"
    )


def _read(file: Path) -> Preprocessing:
    if not file.is_file():
        raise InputError(
            f"preprocessing {str(file)!r} is neither {' nor '.join(_NAMES)} nor a JSON file that "
            "exists: give one of them"
        )
    adapter: TypeAdapter[Preprocessing] = TypeAdapter(Preprocessing)
    try:
        return adapter.validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"preprocessing file {file} does not fit at {where}: {first['msg']}; "
            'give fields such as {"kind": "image", "size": [224, 224], "mean": [...], "std": [...]}'
        ) from None
