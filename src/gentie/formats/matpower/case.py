"""A MATPOWER case as its file says it: every table raw, nothing interpreted yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """One numeric table of the file.

    Attributes:
        name: without the leading ``mpc.``.
        values: (rows, columns) as written; statements of the file already applied.
        line: (rows,) line of the file on which each row ends, counted from 1.
    """

    name: str
    values: Floats
    line: Integers

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        self.values.setflags(write=False)
        self.line.setflags(write=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)


@dataclass(frozen=True)
class Dropped:
    """Something that the file says and that the case does not carry."""

    name: str
    line: int
    rows: int


@dataclass(frozen=True)
class Applied:
    """A statement of the file that changed a table, as it was applied."""

    text: str
    line: int


def empty_table(name: str, columns: int) -> Table:
    """A table without rows."""
    return Table(name, np.zeros((0, columns)), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class MatpowerCase:
    """Everything that a ``.m`` case says.

    Attributes:
        name: from the line ``function mpc = NAME``.
        file_name: of the file it came from, for messages.
        digest: SHA-256 of the file's bytes.
        version: as written, empty where the file does not say.
        base_mva: power base.
        tables: numeric tables by name; ``bus``, ``gen`` and ``branch`` are always there.
        names: tables of text by name (``bus_name``, ``gentype``, ``genfuel``).
        dropped: tables and fields that nothing here uses, kept by name only.
        applied: statements that scaled a column, in their order.
        skipped: (statement, line) of blocks whose condition is false in the file itself.
        encoding: how the text was decoded.
    """

    name: str
    file_name: str
    digest: str
    version: str
    base_mva: float
    tables: dict[str, Table]
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    applied: tuple[Applied, ...] = ()
    skipped: tuple[Applied, ...] = ()
    encoding: str = "utf-8"

    @property
    def bus(self) -> Table:
        """The bus table."""
        return self.tables["bus"]

    @property
    def gen(self) -> Table:
        """The table of units."""
        return self.tables["gen"]

    @property
    def branch(self) -> Table:
        """The table of lines and transformers."""
        return self.tables["branch"]

    @property
    def dcline(self) -> Table:
        """The table of two-terminal DC lines, empty where the file has none."""
        return self.tables.get("dcline", empty_table("dcline", 17))
