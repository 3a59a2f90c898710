"""Statements that scale whole columns, as the distribution cases use them to change units."""

from __future__ import annotations

import re
from collections.abc import Callable

from gentie.formats.matpower.arithmetic import NotArithmetic
from gentie.formats.matpower.case import Table

SCALING = re.compile(
    r"(?P<to>\w+)\.(?P<table>\w+)\(\s*:\s*,\s*(?P<columns>\[[^\]]*\]|\w+)\s*\)\s*="
    r"\s*(?P=to)\.(?P=table)\(\s*:\s*,\s*(?P<source>\[[^\]]*\]|\w+)\s*\)\s*"
    r"(?P<sign>[*/])\s*(?P<factor>.+)",
    re.DOTALL,
)


def scaled(table: Table, match: re.Match[str], value: Callable[[str], float]) -> Table:
    """The table after one statement that ``SCALING`` matches.

    Args:
        table: before it.
        match: of the statement.
        value: of an expression in single numbers.

    Returns:
        The table, every row scaled; factors are applied from left to right as MATLAB does.

    Raises:
        NotArithmetic: the statement does anything else.
    """
    text = match.group("factor").strip()
    to = _places(match.group("columns"), table, value)
    source = _places(match.group("source"), table, value)
    if _has_bare_sum(text) or len(to) != len(source):
        raise NotArithmetic(text)
    columns = table.values[:, source]
    for sign, factor_text in _factors(match.group("sign"), text):
        factor = value(factor_text)
        if sign == "/" and factor == 0:
            raise NotArithmetic(factor_text)
        columns = columns * factor if sign == "*" else columns / factor
    values = table.values.copy()
    values[:, to] = columns
    return Table(table.name, values, table.line)


def _places(text: str, table: Table, value: Callable[[str], float]) -> list[int]:
    """Columns counted from 0, by MATPOWER's names or by number."""
    places = []
    for word in text.strip("[]").replace(",", " ").split():
        place = value(word)
        if place != int(place) or not 0 < place <= table.values.shape[1]:
            raise NotArithmetic(word)
        places.append(int(place) - 1)
    return places


def _has_bare_sum(text: str) -> bool:
    """Whether the text adds or subtracts outside brackets: ``a / b + c``."""
    depth = 0
    previous = "*"
    for sign in re.sub(r"(?<=[\d.])[eEdD][+-]", "e", text).replace(" ", ""):
        depth += (sign == "(") - (sign == ")")
        if sign in "+-" and depth == 0 and previous not in "*/^+-":
            return True
        previous = sign
    return False


def _factors(sign: str, text: str) -> list[tuple[str, str]]:
    """``/ a * b`` taken apart at its outer signs, from left to right as MATLAB does."""
    factors: list[tuple[str, str]] = []
    depth = 0
    start = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter in "*/" and depth == 0:
            factors.append((sign, text[start:place]))
            sign, start = letter, place + 1
    factors.append((sign, text[start:]))
    return factors
