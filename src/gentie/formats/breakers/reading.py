"""A file of breaker ratings, read; what is wrong with it, told at once."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Protocol

from gentie.engines.grid.network import Network
from gentie.quantities.findings import BadInput, Finding

NEEDED = ("bus", "breaker", "rating_ka")
OPTIONAL = ("x_over_r", "contact_parting_cycles")
LARGEST = {"rating_ka": 1_000.0, "x_over_r": 1_000.0, "contact_parting_cycles": 60.0}
LARGEST_BYTES = 10_000_000
MOST_REASONS = 40


class Add(Protocol):
    """Keeps one reason, with the line and field where it was found."""

    def __call__(self, code: str, sentence: str, line: int | None = None, field: str = "") -> None:
        """Keep it."""


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """One breaker as the file gives it; ``None`` where it says nothing."""

    bus: int
    breaker: str
    rating_ka: float
    x_over_r: float | None
    contact_parting_cycles: float | None


def read_breakers(content: bytes, file_name: str, network: Network) -> tuple[BreakerRow, ...]:
    """Read a table of ratings; the order of rows is kept.

    Args:
        content: of the file, CSV in UTF-8.
        file_name: for messages.
        network: the case in which the buses must be.

    Returns:
        The breakers.

    Raises:
        BadInput: all reasons found, each with file, line, field and what to do.
    """
    reasons: list[Finding] = []

    def add(code: str, sentence: str, line: int | None = None, field: str = "") -> None:
        where = file_name
        where += f", line {line}" if line is not None else ""
        where += f", field {field}" if field else ""
        reasons.append(Finding(code, f"{where}: {sentence}", where=where))

    lines = _lines(content, add)
    if lines:
        _check_head(lines, add)
    if reasons:
        raise BadInput(reasons)
    head = [name.lower() for name in lines[0][1]]
    rows, seen = [], dict[tuple[int, str], int]()
    for line, cells in lines[1:]:
        if len(cells) != len(head):
            add(
                "breakers.row",
                f"the row has {len(cells)} fields and the first line has {len(head)}. Give one "
                "field per column, empty where there is nothing to say.",
                line,
            )
            continue
        row = _row(dict(zip(head, cells, strict=True)), line, network, add)
        if row is None:
            continue
        key = row.bus, row.breaker
        if key in seen:
            add(
                "breakers.twice",
                f"breaker {row.breaker} of bus {row.bus} is on line {seen[key]} already. "
                "Keep one of the two.",
                line,
                "breaker",
            )
        seen.setdefault(key, line)
        rows.append(row)
    if len(reasons) > MOST_REASONS:
        more = len(reasons) - MOST_REASONS
        rest = f"{file_name}: {more:,} more reasons are not listed; mend these first."
        reasons[MOST_REASONS:] = [Finding("breakers.more", rest, more, file_name)]
    if reasons:
        raise BadInput(reasons)
    return tuple(rows)


def _check_head(lines: list[tuple[int, list[str]]], add: Add) -> None:
    """The first line names every needed column, and none that is not known."""
    line, head = lines[0][0], [name.lower() for name in lines[0][1]]
    for name in NEEDED:
        if name not in head:
            add(
                "breakers.column.missing",
                f"the column {name} is missing. Begin with the line {','.join(NEEDED)}.",
                line,
                name,
            )
    for name in dict.fromkeys(head):
        if name not in NEEDED + OPTIONAL or head.count(name) > 1:
            add(
                "breakers.column.unknown",
                f"the column {name[:40]!r} is not known or is there twice. The columns are "
                f"{', '.join(NEEDED + OPTIONAL)}, each once.",
                line,
                name[:40],
            )
    if len(lines) < 2:
        add("breakers.empty", "the file has no breakers. Give one row per breaker.")


def _lines(content: bytes, add: Add) -> list[tuple[int, list[str]]]:
    """Lines with their fields, blank ones left out."""
    if len(content) > LARGEST_BYTES:
        add("breakers.large", "the file has more than 10 MB. Give the ratings alone.")
        return []
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (UnicodeDecodeError, csv.Error):
        add("breakers.csv", "this is not CSV in UTF-8. Save it as CSV, separated by commas.")
        return []
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        add("breakers.empty", f"the file is empty. Begin with the line {','.join(NEEDED)}.")
    return lines


def _row(record: dict[str, str], line: int, network: Network, add: Add) -> BreakerRow | None:
    """One breaker, ``None`` where anything is wrong; every fault is told."""
    wrong = False
    bus = int(record["bus"]) if record["bus"].isascii() and record["bus"].isdigit() else -1
    row = network.bus_row.get(bus)
    if row is None or not network.is_bus_live[row]:
        add(
            "breakers.bus",
            f"{record['bus'][:40]!r} is not a bus in service of {network.name}. Write the number of "
            "a bus of the case.",
            line,
            "bus",
        )
        wrong = True
    if not record["breaker"] or len(record["breaker"]) > 60 or not record["breaker"].isprintable():
        add(
            "breakers.name",
            "the breaker has no name of 1 to 60 printable letters. Name it as the station does.",
            line,
            "breaker",
        )
        wrong = True
    numbers: dict[str, float | None] = {}
    for field, largest in LARGEST.items():
        text = record.get(field, "")
        if not text and field in OPTIONAL:
            numbers[field] = None
            continue
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not 0 < number <= largest:
            add(
                "breakers.number",
                f"{text[:40]!r} is not a number above 0 and at most {largest:,.0f}. Mend it.",
                line,
                field,
            )
            wrong = True
        numbers[field] = number
    if wrong:
        return None
    rating = numbers["rating_ka"]
    return BreakerRow(
        bus=bus,
        breaker=record["breaker"],
        rating_ka=math.nan if rating is None else rating,
        x_over_r=numbers["x_over_r"],
        contact_parting_cycles=numbers["contact_parting_cycles"],
    )
