"""Arithmetic on single numbers, as some case files write it: ``50/3``, ``Vbase^2 / Sbase``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "abs": abs,
}
CONSTANTS = {"pi": math.pi, "inf": math.inf}
DEEPEST = 50
"""Brackets and signs inside each other; a case needs two or three."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z]\w*(?:\.\w+)*)|(?P<sign>[-+*/^(),]))"
)


class NotArithmetic(Exception):
    """The text is more than arithmetic on numbers that are known."""


class _Reading:
    """One expression on its way from left to right."""

    def __init__(
        self, text: str, known: Mapping[str, float], cell: Callable[[str, int, int], float]
    ) -> None:
        self.known = known
        self.cell = cell
        self.tokens: list[tuple[str, str]] = []
        self.depth = 0
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise NotArithmetic(text[place:])
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            place = match.end()
        self.tokens.append(("end", ""))
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.tokens[self.place][0] == "sign" else ""

    def take(self) -> tuple[str, str]:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def need(self, sign: str) -> None:
        if self.take() != ("sign", sign):
            raise NotArithmetic(f"{sign} is missing")

    def sum(self) -> float:
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotArithmetic("too deep")
        value = self.product()
        while self.peek() in ("+", "-") and self.peek():
            value = value + self.product() if self.take()[1] == "+" else value - self.product()
        self.depth -= 1
        return value

    def product(self) -> float:
        value = self.signed()
        while self.peek() in ("*", "/") and self.peek():
            value = value * self.signed() if self.take()[1] == "*" else value / self.signed()
        return value

    def signed(self) -> float:
        sign = 1.0
        while self.peek() in ("+", "-") and self.peek():
            sign = -sign if self.take()[1] == "-" else sign
        return sign * self.power()

    def power(self) -> float:
        value = self.atom()
        while self.peek() == "^":
            self.take()
            sign = 1.0
            while self.peek() in ("+", "-") and self.peek():
                sign = -sign if self.take()[1] == "-" else sign
            value = math.pow(value, sign * self.atom())
        return value

    def atom(self) -> float:
        kind, text = self.take()
        if kind == "number":
            return float(text.replace("d", "e").replace("D", "e"))
        if (kind, text) == ("sign", "("):
            value = self.sum()
            self.need(")")
            return value
        if kind == "name":
            return self.named(text)
        raise NotArithmetic(text)

    def named(self, name: str) -> float:
        if name in self.known:
            return self.known[name]
        if self.peek() == "(":
            self.take()
            first = self.sum()
            if self.peek() == ",":
                self.take()
                second = self.sum()
                self.need(")")
                if first != int(first) or second != int(second):
                    raise NotArithmetic(name)
                return self.cell(name, int(first), int(second))
            self.need(")")
            if name in FUNCTIONS:
                return FUNCTIONS[name](first)
        elif name.lower() in CONSTANTS:
            return CONSTANTS[name.lower()]
        raise NotArithmetic(name)


def _no_cell(name: str, row: int, column: int) -> float:
    raise NotArithmetic(f"{name}({row}, {column})")


def arithmetic(
    text: str,
    known: Mapping[str, float] | None = None,
    cell: Callable[[str, int, int], float] = _no_cell,
) -> float:
    """The value of an expression in numbers, ``+ - * / ^``, brackets and common functions.

    Args:
        text: the expression, in MATLAB's writing.
        known: values of the names it may use.
        cell: value of ``name(row, column)``, both counted from 1.

    Returns:
        The value, with MATLAB's order of operations.

    Raises:
        NotArithmetic: a name is not known, the text is something else, or the value is not a
            number (a division by zero, a root of a negative number).

    Neglects: vectors and matrices, strings, comparison, everything else of the language.
    """
    try:
        reading = _Reading(text, known or {}, cell)
        value = reading.sum()
    except (ArithmeticError, ValueError) as cause:
        raise NotArithmetic(text) from cause
    if reading.tokens[reading.place][0] != "end" or math.isnan(value):
        raise NotArithmetic(text)
    return value
