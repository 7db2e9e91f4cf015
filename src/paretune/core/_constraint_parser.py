"""Reads the constraint language by descent; every refusal points at its character."""

from __future__ import annotations

import math
import re
from typing import Literal, NoReturn

from paretune.core.errors import InputError
from paretune.core.metric import ALIASES, FIGURES

Op = Literal["<=", ">=", "<", ">"]
_OPS: tuple[Op, ...] = ("<=", ">=", "<", ">")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<op><=|>=|<|>)"
    r"|(?P<word>[A-Za-zµ_][A-Za-zµ_0-9]*)|(?P<sign>[-+*%]))"
)
#: An accuracy this far from the baseline was more likely meant in points than as a fraction.
_SUSPICIOUS = 0.1


class Parser:
    """A text and a place in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.next = 0

    def parts(self) -> tuple[str, Op, float, float]:
        """Metric, comparison, multiple of the baseline, and offset."""
        kind, word, place = self._take()
        metric = ALIASES.get(word, word)
        if kind != "word" or metric not in FIGURES:
            known = ", ".join((*ALIASES, *FIGURES))
            what = f"unknown metric {word!r}" if kind == "word" else "a metric is missing"
            self._fail(f"{what}, give one of {known}", place)
        self.metric = metric
        _, operator, place = self._take()
        op = next((known for known in _OPS if known == operator), None)
        if op is None:
            self._fail(f"one of {' '.join(_OPS)} must follow the metric", place)
        start = self._peek()[2]
        factor = offset = 0.0
        sign = -1.0 if self._accept("-") else 1.0
        while True:
            by, plus = self._term()
            factor, offset = factor + sign * by, offset + sign * plus
            if self._peek()[0] == "end":
                break
            _, word, place = self._take()
            if word not in ("+", "-"):
                self._fail(f"{word!r} was not expected, a term ends before it", place)
            sign = -1.0 if word == "-" else 1.0
        self._check(factor, offset, start)
        return metric, op, factor, offset

    def _term(self) -> tuple[float, float]:
        """One term as (multiple of the baseline, offset in the canonical unit)."""
        kind, word, place = self._take()
        if word == "baseline":
            if not self._accept("*"):
                return 1.0, 0.0
            number = self._number(*self._take())
            return (number / 100 if self._accept("%") else number), 0.0
        number = self._number(kind, word, place)
        kind, unit, unit_place = self._peek()
        if unit == "*" or (unit == "%" and self._peek(1)[1] == "*"):
            self.next += 2 if unit == "%" else 1
            kind, word, place = self._take()
            if word != "baseline":
                self._fail("a number can only be multiplied with baseline", place)
            return (number / 100 if unit == "%" else number), 0.0
        if kind != "word" and unit != "%":
            self._doubt(number, place)
            return 0.0, number
        self.next += 1
        known = FIGURES[self.metric].units
        scale = next((v for name, v in known.items() if name.casefold() == unit.casefold()), None)
        if scale is None:
            self._fail(f"{unit!r} is no unit of {self.metric}, give {', '.join(known)}", unit_place)
        if self._peek()[1] == "*":
            self._fail("the factor of baseline has no unit", unit_place)
        return 0.0, number * scale

    def _number(self, kind: str, word: str, place: int) -> float:
        """A finite number."""
        if kind != "number":
            what = "the text ends" if kind == "end" else f"{word!r} stands"
            self._fail(f"{what} where a number or baseline must be", place)
        value = float(word)
        if not math.isfinite(value):
            self._fail(f"{word} is too large", place)
        return value

    def _doubt(self, number: float, place: int) -> None:
        """Refuse an accuracy offset that was most likely meant in points."""
        relative = any(word == "baseline" for _, word, _ in self.tokens)
        if self.metric == "accuracy" and relative and number >= _SUSPICIOUS:
            self._fail(
                f"{number:g} without a unit would be {number * 100:g} points of accuracy, write "
                f"'{number:g} pt' for points",
                place,
            )

    def _check(self, factor: float, offset: float, place: int) -> None:
        """Refuse bounds that no value, or every value, meets."""
        if factor < 0:
            self._fail("the multiple of baseline must be above 0", place)
        if factor > 0:
            return
        if self.metric == "accuracy" and not 0 <= offset <= 1:
            self._fail(
                f"accuracy lies between 0 and 1 and this is {offset:g}, write 0.92 or 92 %", place
            )
        if self.metric != "accuracy" and offset <= 0:
            self._fail(f"a bound on {self.metric} must be above 0", place)

    def _tokens(self) -> list[tuple[str, str, int]]:
        """(kind, word, place) of everything in the text, then one of kind `end`."""
        found: list[tuple[str, str, int]] = []
        end = len(self.text.rstrip())
        place = 0
        while place < end:
            match = _TOKEN.match(self.text, place)
            if match is None:
                place += len(self.text[place:]) - len(self.text[place:].lstrip())
                self._fail(f"{self.text[place]!r} was not expected", place)
            kind = match.lastgroup or ""
            found.append((kind, match[kind], match.start(kind)))
            place = match.end()
        return [*found, ("end", "", end)]

    def _peek(self, ahead: int = 0) -> tuple[str, str, int]:
        """The token that comes next."""
        return self.tokens[min(self.next + ahead, len(self.tokens) - 1)]

    def _take(self) -> tuple[str, str, int]:
        """The token that comes next, and move on."""
        token = self._peek()
        self.next += 1
        return token

    def _accept(self, word: str) -> bool:
        """Move on if the next token is `word`."""
        if self._peek()[1] != word:
            return False
        self.next += 1
        return True

    def _fail(self, why: str, place: int) -> NoReturn:
        """Say what is wrong and point at the character."""
        line = self.text.replace("\n", " ").replace("\t", " ")
        raise InputError(
            f"constraint cannot be read at character {place + 1}: {why}\n  {line}\n  {' ' * place}^"
        )
