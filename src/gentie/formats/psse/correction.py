"""Impedance correction tables of a RAW case: how a transformer's impedance follows its position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.records import Section

BY_RATIO_ABOVE = 0.5
"""A table whose positions all lie from here to twice 1 is by ratio; any other is by angle."""
BY_RATIO_BELOW = 2.0


@dataclass(frozen=True, eq=False)
class CorrectionTable:
    """Factors of an impedance at positions of a tap, per unit of ratio or degrees of shift."""

    position: Floats
    factor: np.ndarray

    @property
    def is_by_ratio(self) -> bool:
        """By ratio; else by phase angle."""
        low, high = self.position.min(), self.position.max()
        return bool(low >= BY_RATIO_ABOVE and high <= BY_RATIO_BELOW)

    def at(self, ratio: float, shift_deg: float) -> complex:
        """The factor at a position, straight between the table's, level outside them."""
        where = ratio if self.is_by_ratio else shift_deg
        return complex(
            np.interp(where, self.position, self.factor.real),
            np.interp(where, self.position, self.factor.imag),
        )


def correction_tables(case: RawCase) -> dict[int, CorrectionTable]:
    """All tables by number; one that cannot be understood is told as a problem.

    Follows: PSS/E Program Operation Manual, transformer impedance correction tables.
    """
    section = case.section("impedance correction")
    width = 2 if case.revision < 34 else 3
    tables: dict[int, CorrectionTable] = {}
    for values, line in _whole_records(section, width):
        try:
            number = int(values[0])
            points = [
                tuple(float(value or 0) for value in values[place : place + width])
                for place in range(1, len(values) - width + 1, width)
            ]
            used = [point for point in points if any(point)]
            position = np.array([point[0] for point in used])
            factor = np.array([complex(*point[1:]) for point in used])
            is_usable = len(used) > 1 and bool(np.all(np.diff(position) > 0))
        except (ValueError, IndexError):
            is_usable = False
        if not is_usable:
            section.problems.add(
                "case.raw.correction",
                "this impedance correction table has fewer than two positions, or they do not rise. "
                "Mend it.",
                line=line,
                field="impedance correction",
            )
            continue
        tables[number] = CorrectionTable(position, factor)
    return tables


def _whole_records(section: Section, width: int) -> list[tuple[list[str], int]]:
    """Values of each table; from revision 34 on a table may go on over several lines."""
    whole: list[tuple[list[str], int]] = []
    is_open = False
    for record, line in zip(section.records, section.line, strict=True):
        values = [value.strip() for value in record[0]]
        if is_open:
            whole[-1][0].extend(values)
        else:
            whole.append((values, line))
        last = [value for value in values if value][-width:]
        is_open = width == 3 and not all(_is_zero(value) for value in last)
    return whole


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False
