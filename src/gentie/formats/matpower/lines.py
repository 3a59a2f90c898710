"""The text of a ``.m`` file as statements: comments off, continued lines joined."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CODE = re.compile(r"""(?:[^%'"]|'(?:[^']|'')*+'|"(?:[^"]|"")*+")*+""")
_OPENING = re.compile(r"\s*([A-Za-z]\w*(?:\.\w+)*)\s*=\s*([\[{])")
_PIECE = re.compile(r"""'(?:[^']|'')*+'|"(?:[^"]|"")*+"|[\[\](){};,]""")
_CONTINUED = re.compile(r"\.\.\.[^\n]*$")


@dataclass(frozen=True)
class Statement:
    """One statement, without its terminator."""

    text: str
    line: int


@dataclass(frozen=True)
class Opening:
    """A table begins: the text behind the bracket is still to be read."""

    name: str
    bracket: str
    line: int


def without_comment(line: str) -> str:
    """The line up to a ``%`` that stands outside quotes."""
    if "%" not in line:
        return line
    match = _CODE.match(line)
    end = match.end() if match else 0
    if end < len(line) and line[end] != "%":  # a lone quote: MATLAB's transpose
        end = line.find("%", end)
        return line if end < 0 else line[:end]
    return line[:end]


class Lines:
    """A cursor over the file.

    Attributes:
        lines: of the whole text.
        place: row of the current line, counted from 0.
        rest: what of the current line has not been read, ``None`` when a new line is due.
        is_closed: the last table had an end.
    """

    def __init__(self, text: str) -> None:
        """Stand before the first line."""
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.place = -1
        self.rest: str | None = None
        self.is_closed = True

    @property
    def line(self) -> int:
        """Number of the current line, counted from 1."""
        return self.place + 1

    def advance(self) -> str | None:
        """Move to the next line and give it whole; block comments are passed over.

        Returns:
            The line, ``None`` at the end of the file.
        """
        self.place += 1
        if self.place >= len(self.lines):
            self.place = len(self.lines) - 1
            self.rest = None
            return None
        line = self.lines[self.place]
        if line.strip() == "%{":
            depth = 1
            while depth and self.place + 1 < len(self.lines):
                self.place += 1
                mark = self.lines[self.place].strip()
                depth += {"%{": 1, "%}": -1}.get(mark, 0)
            line = ""
        self.rest = line
        return line

    def joined(self, line: str) -> str:
        """The line without comment, with the lines that ``...`` joins to it."""
        line = without_comment(line)
        while "..." in line:
            shortened = _CONTINUED.sub(" ", line)
            following = self.advance()
            line = shortened if following is None else shortened + without_comment(following)
        return line

    def next(self) -> Statement | Opening | None:
        """The next statement or the beginning of the next table; ``None`` at the end."""
        while True:
            if self.rest is None and self.advance() is None:
                return None
            text = without_comment(self.rest or "")
            if not text.strip(" \t;,\f"):
                self.rest = None
                continue
            text = text.lstrip(" \t;,\f")
            opening = _OPENING.match(text)
            if opening:
                self.rest = text[opening.end() :]
                return Opening(opening.group(1), opening.group(2), self.line)
            line = self.line
            return Statement(self._terminated(self.joined(text)), line)

    def _terminated(self, text: str) -> str:
        """Cut one statement off; what follows it on its line stays to be read."""
        depth = 0
        for piece in _PIECE.finditer(text):
            sign = piece.group()
            if sign in "[({":
                depth += 1
            elif sign in "])}":
                depth -= 1
            elif sign in ";," and depth <= 0:
                self.rest = text[piece.end() :]
                return text[: piece.start()].strip()
        self.rest = None
        return text.strip()
