"""From the bytes of a CSV file to rows with their line and their fields by column."""

from __future__ import annotations

import csv
import io

from gentie.formats.requests.reasons import Reasons
from gentie.formats.requests.request import NEEDED_COLUMNS, OPTIONAL_COLUMNS

MOST_ROWS = 10_000
LARGEST_BYTES = 10_000_000


def records_of(content: bytes, reasons: Reasons) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line and their fields by column, blank lines left out."""
    if len(content) > LARGEST_BYTES:
        reasons.add(
            "requests.large",
            f"the file has {len(content) / 1e6:,.0f} MB and at most {LARGEST_BYTES / 1e6:.0f} MB "
            "are read. Give the requests alone.",
        )
        return []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = content.count(b"\n", 0, cause.start) + 1
        reasons.add(
            "requests.encoding", "the file is not UTF-8. Save it as CSV in UTF-8.", line=line
        )
        return []
    if "\0" in text:
        reasons.add("requests.encoding", "this is not a text file. Save it as CSV in UTF-8.")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as cause:
        reasons.add(
            "requests.csv",
            f"this is not CSV ({cause}). Separate by commas and close every quote.",
            line=reader.line_num,
        )
        return []
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        reasons.add(
            "requests.empty",
            f"the file is empty. Begin with the line {','.join(NEEDED_COLUMNS)}.",
        )
        return []
    return _by_column(lines, reasons)


def _by_column(
    lines: list[tuple[int, list[str]]], reasons: Reasons
) -> list[tuple[int, dict[str, str]]]:
    """Give every field its column."""
    head_line, head = lines[0]
    columns = [name.lower() for name in head]
    for name in NEEDED_COLUMNS:
        if name not in columns:
            reasons.add(
                "requests.column.missing",
                f"the column {name} is missing. Begin with the line {','.join(NEEDED_COLUMNS)}.",
                line=head_line,
                field=name,
            )
    for name in columns:
        if name not in NEEDED_COLUMNS + OPTIONAL_COLUMNS:
            reasons.add(
                "requests.column.unknown",
                f"the column {name[:40]!r} is not known. Take it out; the columns are "
                f"{', '.join(NEEDED_COLUMNS + OPTIONAL_COLUMNS)}.",
                line=head_line,
                field=name[:40],
            )
        elif columns.count(name) > 1:
            reasons.add(
                "requests.column.twice",
                f"the column {name} is there {columns.count(name)} times. Keep one.",
                line=head_line,
                field=name,
            )
    if reasons.findings:
        return []
    if len(lines) == 1:
        reasons.add("requests.empty", "the file has no requests. Give one row per technology.")
    if len(lines) - 1 > MOST_ROWS:
        reasons.add(
            "requests.many",
            f"the file has {len(lines) - 1:,} rows and at most {MOST_ROWS:,} are studied together. "
            "Split it into clusters.",
        )
        return []
    records = []
    for line, cells in lines[1:]:
        if len(cells) != len(columns):
            reasons.add(
                "requests.row",
                f"the row has {len(cells)} fields and the first line has {len(columns)}. "
                "Give one field per column, empty where there is nothing to say.",
                line=line,
            )
            continue
        records.append((line, dict(zip(columns, cells, strict=True))))
    return records
