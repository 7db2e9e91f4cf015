"""Canonical JSON: equal content gives equal text, and so an equal digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from paretune.core import Noun

Key = Mapping[str, Any] | Noun


def canonical(key: Key) -> str:
    """The one JSON text of `key`: sorted names, no spaces; nouns, tuples and paths may be inside.

    Raises:
        ValueError: it holds a NaN or an infinity, which equal nothing.
    """
    plain = to_jsonable_python(key, by_alias=True)
    return json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(text: str) -> str:
    """sha256 of the text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_digest(key: Key) -> str:
    """sha256 of a key's canonical text, hex: names a file that belongs to a record."""
    return digest(canonical(key))


def payload_text(payload: Key) -> str:
    """JSON of a payload; NaN and infinities are kept, in Python's spelling."""
    return json.dumps(to_jsonable_python(payload, by_alias=True), ensure_ascii=False)
