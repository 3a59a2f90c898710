"""The tables of a study: rows that people and programs read, rounded as documented."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

Cell = str | int | float | bool | Decimal | None


class Tier(StrEnum):
    """Who may see an artefact."""

    PUBLIC = "public"
    PRIVATE = "private"
    CEII = "ceii"
    """Critical energy infrastructure information: outages, ratings, flows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name with the unit in it, what it says, and to how many decimals."""

    name: str
    says: str
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of results.

    Attributes:
        name: its file is ``NAME.csv``.
        tier: who may see it.
        columns: in order; the first ones identify a row.
        rows: cells in the order of the columns, numbers already rounded.
    """

    name: str
    tier: Tier
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def as_csv(self) -> bytes:
        """The table as CSV in UTF-8 with Unix line ends; the same bytes for the same rows."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        for row in self.rows:
            writer.writerow(
                [_written(cell, column) for cell, column in zip(row, self.columns, strict=True)]
            )
        return out.getvalue().encode()

    def as_dicts(self) -> list[dict[str, Cell]]:
        """One mapping per row, for JSON."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def table(
    name: str, tier: Tier, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]
) -> Table:
    """A table with every number rounded to its column's decimals."""
    return Table(
        name,
        tier,
        tuple(columns),
        tuple(
            tuple(_rounded(cell, column) for cell, column in zip(row, columns, strict=True))
            for row in rows
        ),
    )


def _rounded(cell: Cell, column: Column) -> Cell:
    if not isinstance(cell, float) or column.decimals is None:
        return cell
    if not math.isfinite(cell):
        return None
    return round(cell, column.decimals) + 0.0


def _written(cell: Cell, column: Column) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and column.decimals is not None:
        return f"{cell:.{column.decimals}f}"
    return str(cell)
