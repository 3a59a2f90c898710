"""One section of a RAW file: its records as text, and columns of numbers made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.formats.matpower.problems import Problems

LARGEST = 1e15
"""No quantity of a grid is larger, and its square can still be told."""
LARGEST_WHOLE = 2**53
MARK = "\0"
"""Stands for a text in quotes while its line is taken apart."""


def values_of(line: str) -> list[str]:
    """The values of one line; texts in quotes may hold commas, blanks and slashes.

    A slash outside quotes ends the line. Values are parted by commas, or by blanks where the line
    has no comma.
    """
    single, double = line.find("'"), line.find('"')
    if single < 0 and double < 0:
        line = line.partition("/")[0]
        return line.split(",") if "," in line else line.split() or [""]
    quote = "'" if double < 0 or 0 <= single < double else '"'
    pieces = line.split(quote)
    outside: list[str] = []
    for piece in pieces[::2]:
        before, slash, _ = piece.partition("/")
        outside.append(before)
        if slash:
            break
    marked = MARK.join(outside)
    if len(outside) * 2 == len(pieces):  # the last text is never closed
        marked += MARK
    values = marked.split(",") if "," in marked else marked.split() or [""]
    texts = iter(pieces[1::2])
    return [next(texts, "") if MARK in value else value for value in values]


@dataclass
class Section:
    """The records of one section.

    Attributes:
        name: of the section.
        lines: fields of each line of a record, by name.
        records: one list of values for each line of each record.
        line: line of the file on which each record begins, counted from 1.
        problems: gets the reasons why a value cannot be used.
    """

    name: str
    lines: tuple[tuple[str, ...], ...]
    problems: Problems
    records: list[list[list[str]]] = field(default_factory=list)
    line: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of records."""
        return len(self.records)

    @property
    def rows(self) -> Integers:
        """(k,) line of the file of each record."""
        return np.array(self.line, np.int64)

    def _texts(self, name: str, at: int) -> list[str]:
        if name not in self.lines[at]:
            return [""] * len(self.records)
        place = self.lines[at].index(name)
        return [
            record[at][place].strip() if at < len(record) and place < len(record[at]) else ""
            for record in self.records
        ]

    def text(self, name: str, default: str = "", *, at: int = 0) -> tuple[str, ...]:
        """(k,) texts, the default where none is given."""
        return tuple(value or default for value in self._texts(name, at))

    def number(self, name: str, default: float | Floats, *, at: int = 0) -> Floats:
        """(k,) usable numbers, the default where none is given; others are told as problems."""
        texts = self._texts(name, at)
        try:
            column = np.array([value or "nan" for value in texts], np.float64)
        except ValueError:
            column = np.array([self._one(name, at, row, value) for row, value in enumerate(texts)])
        is_given = np.array([bool(value) for value in texts], bool)
        with np.errstate(invalid="ignore"):
            is_usable = np.isfinite(column) & (np.abs(column) <= LARGEST)
        for row in np.flatnonzero(is_given & ~is_usable):
            if _number(texts[row]) is not None:
                self._refuse(name, at, int(row), texts[row])
        return np.where(is_given & is_usable, column, default)

    def whole(self, name: str, default: int | Integers, *, at: int = 0) -> Integers:
        """(k,) whole numbers."""
        column = self.number(name, np.asarray(default, np.float64), at=at)
        is_whole = (column == np.floor(column)) & (np.abs(column) < LARGEST_WHOLE)
        for row in np.flatnonzero(~is_whole):
            self.problems.add(
                "case.raw.whole",
                f"the value {column[row]:.12g} must be a whole number. Mend it.",
                line=self.line[row] + at,
                field=f"{self.name} {name}",
            )
        return np.where(is_whole, column, 0).astype(np.int64)

    def _one(self, name: str, at: int, row: int, value: str) -> float:
        if not value:
            return np.nan
        number = _number(value)
        if number is None:
            self._refuse(name, at, row, value)
            return np.nan
        return number

    def _refuse(self, name: str, at: int, row: int, value: str) -> None:
        self.problems.add(
            "case.raw.number",
            f"the value {value[:30]!r} is not a usable number. Mend it.",
            line=self.line[row] + at,
            field=f"{self.name} {name}",
        )


def _number(text: str) -> float | None:
    """A number as PSS/E writes it, Fortran's exponent D too."""
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return None
