"""Where a model comes from: a module, Hugging Face, timm, ONNX, OpenVINO IR, the built-in zoo.

A source is added by one file that registers it; `paretune.testing.sources` proves it.
"""

from paretune.sources import (  # noqa: F401 - each registers its source
    _factory,
    _huggingface,
    _onnx,
    _openvino_ir,
    _timm,
    _zoo,
)
from paretune.sources._digest import digest_of_module
from paretune.sources._load import load_model
from paretune.sources._prepare import prepare_text
from paretune.sources._registry import register, source_of, sources
from paretune.sources.base import Request, Source

__all__ = [
    "Request",
    "Source",
    "digest_of_module",
    "load_model",
    "prepare_text",
    "register",
    "source_of",
    "sources",
]
