"""A Hugging Face tokenizer as `TextPreprocessing`."""

from __future__ import annotations

import inspect
from typing import Any

from paretune.core import InputError, TextPreprocessing
from paretune.sources._imports import first_line
from paretune.sources._quiet import quiet
from paretune.sources.base import Request

#: Most tokens of a text by default: attention's cost grows with the square of it.
_MAX_LENGTH = 128


def text_preprocessing(
    name: str, text: str, config: Any, request: Request, module: Any
) -> TextPreprocessing:
    """How texts become the model's inputs, with its own fast tokenizer.

    Args:
        name: Hugging Face name or folder.
        text: the MODEL text, for messages.
        config: the model's configuration.
        request: its `input_shape` of one number is the length in tokens, 128 by default.
        module: the model, whose `forward` tells which inputs it takes.

    Raises:
        InputError: there is no fast tokenizer.
    """
    from transformers import AutoTokenizer

    if isinstance(request.preprocessing, TextPreprocessing):
        return request.preprocessing
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"model {text} has no usable tokenizer: {first_line(error)}; save it beside the "
            "weights with tokenizer.save_pretrained"
        ) from None
    if not tokenizer.is_fast:
        raise InputError(
            f"the tokenizer of {text} has no tokenizer.json: save its fast version beside the "
            "weights"
        )
    takes = inspect.signature(module.forward).parameters
    inputs = ["input_ids", "attention_mask"]
    if "token_type_ids" in takes and getattr(config, "type_vocab_size", 0) > 1:
        inputs.append("token_type_ids")
    limit = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", 10**9))
    shape = request.input_shape
    asked = shape[0] if shape is not None and len(shape) == 1 else None
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else config.pad_token_id
    return TextPreprocessing(
        tokenizer=tokenizer.backend_tokenizer.to_str(),
        max_length=min(limit, asked if isinstance(asked, int) else _MAX_LENGTH),
        inputs=tuple(inputs),
        pad_id=pad or 0,
    )
