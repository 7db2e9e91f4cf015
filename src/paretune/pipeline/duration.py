"""Durations as users write them."""

from __future__ import annotations

import math
import re

from paretune.core import InputError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str | float) -> float:
    """`90`, `90s`, `30m`, `1.5h` or `1h30m` -> seconds.

    Raises:
        InputError: it does not read as a duration, or is not positive.
    """
    if isinstance(text, int | float):
        total = float(text)
    else:
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*(min|[smh]?)", text.strip())
        if not parts or "".join(n + u for n, u in parts) != re.sub(r"\s", "", text):
            raise InputError(f"budget {text!r} is not a duration: write 90s, 30m or 1.5h")
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < total < math.inf:
        raise InputError(f"a budget of {text} leaves no time to measure anything: give 1m or more")
    return total
