"""`timm:NAME`: models of timm with their published weights and preprocessing."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import ImagePreprocessing, InputError, Interpolation, Model
from paretune.sources._imports import first_line, need
from paretune.sources._module import model_of_module
from paretune.sources._quiet import quiet
from paretune.sources._registry import register
from paretune.sources._weights import choose_weights, load_weights
from paretune.sources.base import Request, Source

_PREFIX = "timm:"
_RANDOM = Path("random")
_FILTERS: dict[str, Interpolation] = {
    "nearest": "nearest",
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "lanczos": "lanczos",
}


class TimmSource(Source):
    """Published weights by default, a safetensors file after `@`, or random ones by `@random`.

    A network with random weights is made for the channels of `input_shape` and as many classes as
    there are `labels`.
    """

    name: ClassVar[str] = "timm"
    form: ClassVar[str] = "timm:NAME[@weights.safetensors]"

    def match(self, text: str) -> bool:
        """Whether `text` begins with `timm:`."""
        return text.startswith(_PREFIX)

    def load(self, text: str, request: Request) -> Model:
        """Create the model and load its weights."""
        name, weights = choose_weights(text.removeprefix(_PREFIX), request.weights)
        timm = need("timm", to=f"model {text}", install="paretune[timm]")
        fitted = _fitted(request) if weights == _RANDOM else {}
        module = _create(timm, name, text, pretrained=weights is None, **fitted)
        if weights is not None and weights != _RANDOM:
            load_weights(module, weights)
        return model_of_module(
            module,
            name=text,
            source=self.name,
            request=request,
            preprocessing=preprocessing_of_config(timm.data.resolve_model_data_config(module)),
            input_names=("image",),
            output_names=("logits",),
        )


def preprocessing_of_config(config: Mapping[str, Any]) -> ImagePreprocessing:
    """A data configuration of timm (its evaluation transform) as `ImagePreprocessing`."""
    channels, height, width = config["input_size"]
    # timm's `random` filter is for training; its evaluation takes bilinear then.
    squash = config.get("crop_mode") == "squash"
    shorter = min(height, width)
    return ImagePreprocessing(
        size=(height, width),
        resize="exact" if squash else "shortest",
        resize_to=None if squash else math.floor(shorter / config["crop_pct"]),
        interpolation=_FILTERS.get(config["interpolation"], "bilinear"),
        channels="L" if channels == 1 else "RGB",
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )


def _fitted(request: Request) -> dict[str, int]:
    """Channels and classes that a new network is made for, as far as the request says them."""
    found = {}
    shape = request.input_shape or ()
    if len(shape) == 3 and isinstance(shape[0], int):
        found["in_chans"] = shape[0]
    if request.labels is not None:
        found["num_classes"] = len(request.labels)
    return found


def _create(timm: Any, name: str, text: str, *, pretrained: bool, **fitted: int) -> Any:
    import torch

    try:
        with quiet(), _weights_only(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # so that random weights are the same ones every time
            return timm.create_model(name, pretrained=pretrained, **fitted)
    except OSError as error:
        raise InputError(
            f"the weights of {text} cannot be downloaded: {first_line(error)}; check the network, "
            f"or give {text}@weights.safetensors, or {text}@random for random ones"
        ) from None
    except RuntimeError as error:
        near = ", ".join(timm.list_models(f"*{name.partition('.')[0][:8]}*")[:3])
        hint = f" (there are {near})" if near else ""
        raise InputError(
            f"timm cannot create {name}: {first_line(error)}; check the name{hint}, or give "
            f"{text}@random where it has no published weights"
        ) from None


@contextmanager
def _weights_only() -> Iterator[None]:
    """Forbid unpickling, which some versions of timm would fall back to."""
    key = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(key)
    os.environ[key] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[key]
        else:
            os.environ[key] = before


register(TimmSource())
