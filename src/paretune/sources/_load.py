"""`load_model`: from whatever the user gives to a `Model`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paretune.core import InputError, Model, Preprocessing, Task, TensorSpec
from paretune.sources._registry import source_of
from paretune.sources.base import Request

if TYPE_CHECKING:
    from torch import nn


def load_model(
    model: str | Path | nn.Module,
    *,
    weights: str | Path | None = None,
    input_shape: Sequence[int] | Sequence[TensorSpec] | None = None,
    preprocessing: Preprocessing | str | None = None,
    labels: Sequence[str] | None = None,
    task: Task | None = None,
) -> Model:
    """Bring a model in, whatever form it comes in.

    Args:
        model: a MODEL text (`efficientnet-lite0`, `hf:NAME` or a Hugging Face folder,
            `timm:NAME`, `FILE.onnx`, `FILE.xml`, a TensorFlow SavedModel folder, `FILE.tflite`,
            `package.module:factory`, each PyTorch one optionally with `@weights.safetensors`),
            a path, or a `torch.nn.Module`.
        weights: a safetensors file for a PyTorch model.
        input_shape: shape of one sample without the batch axis, such as `(3, 224, 224)`, or a
            `TensorSpec` for every input; needed for a module that nothing else describes.
        preprocessing: how a raw sample becomes an input: an object, `imagenet` (resized,
            cropped, ImageNet's mean and standard deviation), `unit` (resized, 0..1), or a JSON
            file with the fields of `ImagePreprocessing`.
        labels: class names by index.
        task: overrides the detected task.

    Returns:
        The model, with modules in eval mode.

    Raises:
        InputError: it is of no known form, missing, truncated, not safe to open, or does not run.
        MissingPackageError: an optional package is needed.
    """
    request = Request(
        weights=None if weights is None else Path(weights).expanduser(),
        input_shape=input_shape,
        preprocessing=preprocessing,
        labels=labels,
        task=task,
    )
    if isinstance(model, (str, Path)):
        text = str(model)
        return source_of(text).load(text, request)
    return _from_object(model, request)


def _from_object(module: object, request: Request) -> Model:
    from paretune.sources._imports import need
    from paretune.sources._module import model_of_module
    from paretune.sources._weights import load_weights

    nn = need("torch", to="a torch.nn.Module", install="paretune[torch]").nn
    if not isinstance(module, nn.Module):
        raise InputError(
            f"a model cannot be made of {type(module).__name__}: give a MODEL text, a path or a "
            "torch.nn.Module"
        )
    if request.weights is not None:
        load_weights(module, request.weights)
    return model_of_module(module, name=type(module).__name__, source="module", request=request)
