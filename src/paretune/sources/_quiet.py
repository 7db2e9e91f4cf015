"""Keeps the chatter of other libraries from the user's terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_TALKATIVE = (
    "torch",
    "torch.onnx",
    "torch.export",
    "torchao",
    "onnxscript",
    "transformers",
    "huggingface_hub",
    "timm",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and log lines below errors; exceptions say what matters."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
