"""A list of contingencies as CSV: one line per element, contingencies in their first order."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from gentie.quantities.findings import BadInput, Finding

COLUMNS = ("contingency", "element")
LARGEST_BYTES = 50_000_000
MOST_REASONS = 40


@dataclass(frozen=True, slots=True)
class ListedElement:
    """One line of the list.

    Attributes:
        line: of the file.
        contingency: its name.
        element: identity of a branch or unit, as ``line:1:2:1`` or ``unit:7:1``.
    """

    line: int
    contingency: str
    element: str


def read_contingency_csv(content: bytes, source_name: str) -> tuple[ListedElement, ...]:
    """Read a list of contingencies.

    Args:
        content: of the file, UTF-8.
        source_name: of the file, for messages.

    Returns:
        Its lines in order, blank ones left out.

    Raises:
        BadInput: with every reason found.
    """

    def refused(code: str, sentence: str, line: int = 0) -> BadInput:
        where = f"{source_name}, line {line}" if line else source_name
        return BadInput(Finding(code, f"{where}: {sentence}", where=where))

    if len(content) > LARGEST_BYTES:
        raise refused(
            "contingencies.list.large",
            f"the file has {len(content) / 1e6:,.0f} MB and at most {LARGEST_BYTES / 1e6:.0f} MB are "
            "read. Divide the list.",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = content.count(b"\n", 0, cause.start) + 1
        raise refused(
            "contingencies.list.encoding", "the file is not UTF-8. Save it as CSV in UTF-8.", line
        ) from cause
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as cause:
        raise refused(
            "contingencies.list.csv",
            f"this is not CSV ({cause}). Separate by commas and close every quote.",
            reader.line_num,
        ) from cause
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows or tuple(name.lower() for name in rows[0][1]) != COLUMNS:
        raise refused(
            "contingencies.list.head",
            f"the first line is not {','.join(COLUMNS)}. Begin with it; then one line per element, "
            "as in: both circuits,line:101:102:1.",
        )
    reasons = [
        Finding(
            "contingencies.list.fields",
            f"{source_name}, line {line}: a line has the name of a contingency and one element. Give "
            "both, and an element more on a line of its own.",
            where=f"{source_name}, line {line}",
        )
        for line, cells in rows[1:]
        if len(cells) != len(COLUMNS) or not all(cells)
    ]
    if reasons:
        raise BadInput(reasons[:MOST_REASONS])
    return tuple(ListedElement(line, *cells) for line, cells in rows[1:])
