"""The rows of a table, with the line on which each of them stands."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass

import numpy as np

from gentie.formats.matpower.arithmetic import NotArithmetic, arithmetic
from gentie.formats.matpower.case import Floats, Integers
from gentie.formats.matpower.columns import NEEDED_COLUMNS, column_name
from gentie.formats.matpower.lines import Lines, without_comment
from gentie.formats.matpower.problems import Problems

_NOT_PLAIN = re.compile(r"[^0-9 \t.,;+\-eE]")
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[iI]nf|[nN]a[nN])")
_EXPRESSION = re.compile(r"[+-]?[\w.()*/^]+[*/^(][\w.()*/^]*")
_NEW_STATEMENT = re.compile(r"\s*(?:[A-Za-z]\w*(?:\.\w+)+\s*(?:\([^)]*\))?\s*=(?!=)|function\b)")
_CELL = re.compile(r"\s*'([^']*)'\s*[;,]?\s*")
_CELL_PIECE = re.compile(
    r"""(?P<space>[\s;,]+)|'(?P<single>(?:[^']|'')*+)'|"(?P<double>(?:[^"]|"")*+)"|(?P<end>\})"""
    r"""|(?P<other>[^\s;,'"}]+|['"])"""
)
_BRACKET = re.compile(r"""'(?:[^']|'')*+'|"(?:[^"]|"")*+"|[\[\]{}]""")


@dataclass(frozen=True, eq=False)
class Rows:
    """Numbers as they stand in the file.

    Attributes:
        values: (rows, columns); a row of another length or with a word in it is filled with NaN.
        line: (rows,) line of each.
        is_broken: (rows,) rows whose fault is already told.
    """

    values: Floats
    line: Integers
    is_broken: np.ndarray


class _Gathering:
    """Rows on their way out of the text."""

    def __init__(self, table: str, problems: Problems) -> None:
        self.table = table
        self.problems = problems
        self.values = array("d")
        self.widths: list[int] = []
        self.lines: list[int] = []
        self.broken: set[int] = set()

    def add(self, text: str, line: int) -> None:
        """Take the rows of one line, with whatever is unusual in it."""
        for piece in text.split(";"):
            tokens = piece.replace(",", " ").split()
            if not tokens:
                continue
            for place, token in enumerate(tokens):
                self.values.append(self.number(token, place, line))
            self.widths.append(len(tokens))
            self.lines.append(line)

    def number(self, token: str, place: int, line: int) -> float:
        if _NUMBER.fullmatch(token):
            return float(token.replace("d", "e").replace("D", "e"))
        if _EXPRESSION.fullmatch(token):
            try:
                return arithmetic(token)
            except NotArithmetic:
                pass
        self.broken.add(len(self.widths))
        self.problems.add(
            "case.number",
            f"{token[:40]!r} is not a number. Write a number, Inf or -Inf.",
            line=line,
            field=f"{self.table}.{column_name(self.table, place)}",
        )
        return float("nan")

    def rows(self) -> Rows:
        """All rows at one width.

        A row of another width than most (than the first, where it is a draw) is a fault: it is told.
        """
        count = len(self.widths)
        flat = np.frombuffer(self.values, np.float64) if count else np.zeros(0)
        widths = np.array(self.widths, np.int64)
        is_broken = np.zeros(count, bool)
        is_broken[list(self.broken)] = True
        lines = np.array(self.lines, np.int64)
        if not count:
            return Rows(np.zeros((0, 0)), lines, is_broken)
        kinds, how_many = np.unique(widths, return_counts=True)
        usual = kinds[how_many == how_many.max()]
        width = int(widths[np.isin(widths, usual)][0])
        needed = NEEDED_COLUMNS.get(self.table, 1)
        if len(kinds) == 1 and width >= needed:
            values = flat.reshape(count, width).copy()
        else:
            values = np.full((count, max(width, needed)), np.nan)
            starts = np.concatenate(([0], np.cumsum(widths)[:-1]))
            for row, (start, own) in enumerate(zip(starts, widths, strict=True)):
                kept = min(own, values.shape[1])
                values[row, :kept] = flat[start : start + kept]
        self.tell_widths(widths, width, lines, is_broken)
        return Rows(values, lines, is_broken)

    def tell_widths(
        self, widths: Integers, width: int, lines: Integers, is_broken: np.ndarray
    ) -> None:
        needed = NEEDED_COLUMNS.get(self.table, 1)
        if width < needed:
            missing = column_name(self.table, width)
            self.problems.add(
                "case.row.short",
                f"the rows of {self.table} have {width} columns and {needed} are needed; the first "
                f"that is missing is {missing}. Complete the rows.",
                line=int(lines[0]),
                field=f"{self.table}.{missing}",
            )
            is_broken[:] = True
            return
        for row in np.flatnonzero(widths != width):
            own = int(widths[row])
            verb = (
                f"the row ends before {column_name(self.table, own)}. Complete it"
                if own < width
                else "it has more. Take out what is too much"
            )
            self.problems.add(
                "case.row.short" if own < width else "case.row.long",
                f"this row of {self.table} has {own} columns and the others have {width}: {verb}.",
                line=int(lines[row]),
                field=f"{self.table}.{column_name(self.table, min(own, width))}",
            )
            is_broken[row] = True


def unclosed(problems: Problems, name: str, opened: int, line: int, bracket: str) -> None:
    """Tell that a table has no end."""
    closing = "]" if bracket == "[" else "}"
    problems.add(
        "case.table.unclosed",
        f"the table {name} begins here and is not closed before line {line}. "
        f"Add the missing rows and {closing}; the file may be cut off.",
        line=opened,
        field=name,
    )


def read_numbers(source: Lines, name: str, problems: Problems) -> Rows:
    """The rows between the bracket just passed and its closing one.

    Args:
        source: stands behind the ``[``; afterwards behind the ``]``.
        name: of the table, for messages.
        problems: gets every row that cannot be read.

    Returns:
        The rows.
    """
    opened, source.is_closed = source.line, False
    gathering = _Gathering(name, problems)
    values, widths, lines = gathering.values, gathering.widths, gathering.lines
    not_plain = _NOT_PLAIN.search
    text = source.rest
    while text is not None:
        plain = text.rstrip().removesuffix(";")
        if not_plain(plain) is None and ";" not in plain and ".." not in plain:
            tokens = plain.replace(",", " ").split()
            if tokens:
                try:
                    values.extend([float(token) for token in tokens])
                    widths.append(len(tokens))
                    lines.append(source.place + 1)
                except ValueError:
                    gathering.add(plain, source.line)
            text = source.advance()
            continue
        if _NEW_STATEMENT.match(text):
            unclosed(problems, name, opened, source.line, "[")
            return gathering.rows()
        text = source.joined(text)
        body, closing, after = text.partition("]")
        gathering.add(body, source.line)
        if closing:
            source.rest, source.is_closed = after, True
            return gathering.rows()
        text = source.advance()
    unclosed(problems, name, opened, source.line, "[")
    return gathering.rows()


def read_names(source: Lines, name: str, problems: Problems) -> list[str]:
    """The texts between the brace just passed and its closing one, row by row.

    Args:
        source: stands behind the ``{``; afterwards behind the ``}``.
        name: of the table, for messages.
        problems: gets everything that is not text in quotes.

    Returns:
        The texts, without quotes.
    """
    opened, source.is_closed = source.line, False
    names: list[str] = []
    text = source.rest
    while text is not None:
        simple = _CELL.fullmatch(text)
        if simple:
            names.append(simple.group(1))
            text = source.advance()
            continue
        if _NEW_STATEMENT.match(text):
            break
        text = without_comment(text)
        for piece in _CELL_PIECE.finditer(text):
            if piece.lastgroup == "end":
                source.rest, source.is_closed = text[piece.end() :], True
                return names
            if piece.lastgroup == "single":
                names.append(piece.group("single").replace("''", "'"))
            elif piece.lastgroup == "double":
                names.append(piece.group("double").replace('""', '"'))
            elif piece.lastgroup == "other" and not piece.group().startswith("..."):
                problems.add(
                    "case.name",
                    f"{piece.group()[:40]!r} is not a text in quotes. Write 'TEXT';",
                    line=source.line,
                    field=name,
                )
                names.append("")
        text = source.advance()
    unclosed(problems, name, opened, source.line, "{")
    return names


def pass_over(source: Lines, name: str, bracket: str, problems: Problems) -> int:
    """Go behind a table that nobody reads.

    Args:
        source: stands behind the opening bracket; afterwards behind its closing one.
        name: of the table, for messages.
        bracket: the opening one.
        problems: gets a table without end.

    Returns:
        How many lines of content it has.
    """
    opened, source.is_closed = source.line, False
    depth = 1
    rows = 0
    text = source.rest
    while text is not None:
        if depth == 1 and _NEW_STATEMENT.match(text):
            break
        text = without_comment(text)
        for sign in _BRACKET.finditer(text):
            if sign.group() in "[{":
                depth += 1
            elif sign.group() in "]}":
                depth -= 1
                if not depth:
                    source.rest, source.is_closed = text[sign.end() :], True
                    return rows + bool(text[: sign.start()].strip())
        rows += bool(text.strip())
        text = source.advance()
    unclosed(problems, name, opened, source.line, bracket)
    return rows
