"""What the fidelity report says of the file itself: tables, statements, names."""

from __future__ import annotations

from collections.abc import Iterator

from gentie.formats.matpower.building import printable
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.sentences import told
from gentie.quantities.findings import Finding

UNUSED_TABLES = {
    "gencost": "Rows of generation cost (gencost)",
    "dclinecost": "Rows of DC line cost (dclinecost)",
    "areas": "Rows of the table of areas",
}


def statement_findings(case: MatpowerCase) -> Iterator[Finding | None]:
    """What was done with statements and text of the file."""
    yield told(
        "case.statement.applied",
        "Statements that scale columns",
        [f"line {applied.line}: {applied.text}" for applied in case.applied],
        "They are applied in their order.",
    )
    yield told(
        "case.statement.skipped",
        "Blocks whose condition the file sets to 0",
        [f"line {skipped.line}: {skipped.text}" for skipped in case.skipped],
        "MATLAB does not run them, and neither do we.",
    )
    if case.encoding != "utf-8":
        yield Finding(
            "case.file.encoding",
            f"{case.file_name} is not UTF-8; it is read as Latin-1. "
            "Names with accents may look wrong.",
            where=case.file_name,
        )
    if not case.version:
        yield Finding(
            "case.version.missing",
            f"{case.file_name} does not say its format version; 2 is assumed.",
            where=case.file_name,
        )


def table_findings(case: MatpowerCase) -> Iterator[Finding | None]:
    """Which tables are not used, and which are missing."""
    for name, what in UNUSED_TABLES.items():
        table = case.tables.get(name)
        if table is not None:
            yield told(
                f"case.{name}.unused",
                what,
                [f"line {line}" for line in table.line[:3]],
                "They are kept in the file; studies do not use them.",
                total=len(table),
            )
    yield told(
        "case.table.dropped",
        "Tables and fields that are not read",
        [f"{dropped.name} on line {dropped.line}" for dropped in case.dropped],
        "They are kept in the file; studies do not use them.",
    )
    for name, of, default in (
        ("bus_name", "bus", "buses are called by their number"),
        ("genfuel", "gen", "the fuel of every unit is unknown"),
        ("gentype", "gen", "the type of every unit is unknown"),
    ):
        if not case.names.get(name):
            count = len(case.tables[of])
            yield Finding(
                f"case.{name}.missing",
                f"The case has no {name}: {default}.",
                count=count,
                where=case.file_name,
            )


def name_findings(case: MatpowerCase) -> Iterator[Finding | None]:
    """Which texts were changed or are empty."""
    for name, texts in sorted(case.names.items()):
        yield told(
            f"case.{name}.unprintable",
            f"Texts in {name} with control characters",
            [f"row {row}" for row, text in enumerate(texts, 1) if printable(text) != text.strip()],
            "These characters are replaced by blanks.",
        )
        if name != "bus_name" and texts:
            yield told(
                f"case.{name}.blank",
                f"Empty texts in {name}",
                [f"row {row}" for row, text in enumerate(texts, 1) if not text.strip()],
                "They are taken as unknown.",
            )


def file_findings(case: MatpowerCase) -> Iterator[Finding | None]:
    """All that is said of the file."""
    yield from statement_findings(case)
    yield from table_findings(case)
    yield from name_findings(case)
