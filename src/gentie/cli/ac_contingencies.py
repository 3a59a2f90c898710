"""How `gentie case contingencies --ac` prints and writes what it found."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

from gentie.cli.printing import people, table

if TYPE_CHECKING:
    from gentie.workbench.ac_contingencies import AcContingencyReport

ROWS_PRINTED = 10


def pairs_csv(report: AcContingencyReport) -> bytes:
    """Pairs above the threshold, one a row."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("element", "outage", "loading_percent", "limit_mva"))
    writer.writerows(astuple(pair) for pair in report.pairs)
    return out.getvalue().encode()


def outages_csv(report: AcContingencyReport) -> bytes:
    """Outages, one a row; what an outage cannot say is empty."""
    from gentie.workbench.ac_contingencies import OutageOutcome

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(OutageOutcome)])
    writer.writerows(astuple(outage) for outage in report.outages)
    return out.getvalue().encode()


def print_ac_contingencies(report: AcContingencyReport) -> None:
    """The report for people."""
    console = people()
    limits = "with" if report.reactive_limits else "without"
    console.print(
        f"{report.case}: {len(report.outages):,} outages of branches and units, {report.solved:,} "
        f"solved, against {report.monitored:,} branches with a rating (AC, {limits} the units' "
        "reactive limits)."
    )
    if report.pairs:
        rows = [
            (
                pair.element,
                pair.outage,
                f"{pair.loading_percent:,.1f}",
                f"{pair.limit_mva:,.1f}",
            )
            for pair in report.pairs[:ROWS_PRINTED]
        ]
        heads = ("Element", "Outage", "% of limit", "Limit, MVA")
        console.print(table(heads, rows, numbers=heads[2:]))
        if len(report.pairs) > ROWS_PRINTED:
            console.print(f"and {len(report.pairs) - ROWS_PRINTED:,} more; --out lists them all.")
    low = sorted(
        (outage.lowest_voltage_pu, outage.lowest_bus, outage.outage)
        for outage in report.outages
        if outage.lowest_voltage_pu is not None
    )
    if low:
        voltages = [
            (str(bus), outage, f"{voltage:.4f}") for voltage, bus, outage in low[:ROWS_PRINTED]
        ]
        columns = ("Bus", "Outage", "Lowest voltage, pu")
        console.print(table(columns, voltages, numbers=columns[2:]))
    islanded = report.with_status("islanded")
    if islanded:
        worst = max(islanded, key=lambda outage: (outage.lost_load_mw, outage.lost_generation_mw))
        console.print(
            f"{len(islanded):,} outages cut part of the grid off and the rest was solved; the "
            f"largest is {worst.outage} with {worst.lost_load_mw:,.1f} MW of load and "
            f"{worst.lost_generation_mw:,.1f} MW of generation."
        )
    for outage in report.with_status("diverged"):
        console.print(f"No solution after the loss of {outage.outage}.")
    for outage in report.with_status("not_simulated"):
        console.print(f"Not simulated: {outage.outage}, {outage.reason}.")
    for finding in report.findings:
        console.print(finding.sentence)
    console.print(
        f"Above {report.above_percent:g}% of the limit: {len(report.pairs):,}; above 100%: "
        f"{report.overloads:,}. The limit after an outage is the emergency rating, else "
        f"{report.emergency_multiplier:g} times the normal one (rulebook {report.rulebook}). Lost "
        "supply is made up "
        + (
            "by units in proportion to their headroom."
            if report.pick_up == "headroom"
            else "by the slack."
        )
    )
