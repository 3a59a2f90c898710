"""`gentie case outages`: which contingencies a file lists for a case, or the case gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.areas import parsed_areas
from gentie.cli.printing import people, print_json, table
from gentie.cli.writing import write_table
from gentie.quantities.findings import BadInput, Finding

if TYPE_CHECKING:
    from gentie.engines.grid.contingency_list import ContingencyList
    from gentie.workbench.cases import Case

readable = click.Path(dir_okay=False, path_type=Path)


@click.command(
    short_help="List contingencies, from a file or made.",
    epilog="Example: gentie case outages case_ACTIVSg2000 --make P1,P6 --kv 100",
)
@click.argument("file")
@click.option(
    "--list",
    "listed",
    type=readable,
    metavar="FILE.con",
    help="Of PSS/E, or MATPOWER's contab (.m).",
)
@click.option("--make", default="P1", show_default=True, metavar="P1,…", help="Categories to make.")
@click.option("--areas", metavar="3-7", help="Make them in these areas only.")
@click.option("--kv", type=click.FloatRange(0), default=0.0, help="Lowest voltage, kV.")
@click.option(
    "--reach",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="For P3 and P6: branches between the two elements.",
)
@click.option(
    "--places", type=readable, metavar="FILE.csv", help="For P7: bus, latitude_deg, longitude_deg."
)
@click.option("--out", type=readable, metavar="FILE.csv", help="Write all, as CSV or as Parquet.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def outages(
    file: str,
    listed: Path | None,
    make: str,
    areas: str | None,
    kv: float,
    reach: int,
    places: Path | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Say which contingencies there are, and what is not studied, and why."""
    from gentie.engines.grid.generated_contingencies import Wanted
    from gentie.workbench import contingency_lists as doors
    from gentie.workbench.cases import read_case

    case = read_case(file)
    if listed is not None:
        found = doors.listed_contingencies(case, _content(listed), listed.name)
    else:
        wanted = Wanted(
            categories=doors.wanted_categories(make),
            areas=parsed_areas(areas) or (),
            minimum_kv=kv,
            reach=reach,
        )
        where = None
        if places is not None:
            where = doors.places_from(_content(places), places.name, case.network)
        found = doors.made_contingencies(case, wanted, where)
    if out is not None:
        write_table(out, doors.contingencies_csv(case, found))
    if as_json:
        print_json(
            {
                "case": case.name,
                "sha256": case.sha256,
                "contingencies": found.counts(),
                "elements": len(found.columns.row),
                "not_studied": [finding.as_dict() for finding in found.not_studied],
            }
        )
        return
    _print(case, found)


def _print(case: Case, found: ContingencyList) -> None:
    console = people()
    rows = [(category, f"{count:,}") for category, count in found.counts().items()]
    console.print(f"{case.name}: {len(found):,} contingencies.")
    if rows:
        console.print(table(("Category", "Count"), rows, numbers=("Count",)))
    if found.not_studied:
        said = [(f"{finding.count:,}", finding.sentence) for finding in found.not_studied]
        console.print(table(("Count", "Not studied"), said, numbers=("Count",)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise BadInput(
            Finding(
                "cli.in",
                f"{path} cannot be read: {cause.strerror}. Check its name and who may read it.",
                where=str(path),
            )
        ) from cause
