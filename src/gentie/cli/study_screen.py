"""A study on one screen."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gentie.cli.printing import people, table
from gentie.quantities.money import Money

if TYPE_CHECKING:
    from gentie.workbench.study import StudyRun

ROWS_PRINTED = 15


def print_study(done: StudyRun) -> None:
    """What limits, what it costs, what was assumed."""
    console = people()
    summary = done.results.document("summary")
    currency = summary["cost"]["currency"]
    worst = sorted(
        done.results.table("constraints").as_dicts(),
        key=lambda row: -float(str(row["with_percent"])),
    )
    if worst:
        console.print(
            table(
                ("Overloaded element", "Outage", "Condition", "With %", "After %", "Treatment"),
                [
                    (
                        str(row["element"]),
                        str(row["outage"]),
                        str(row["condition"]),
                        f"{row['with_percent']:.1f}",
                        f"{row['after_percent']:.1f}",
                        str(row["treatment"]),
                    )
                    for row in worst[:ROWS_PRINTED]
                ],
                numbers=("With %", "After %"),
            )
        )
        console.print(f"{min(ROWS_PRINTED, len(worst))} of {len(worst)} constraints.")
    owed = sorted(
        done.results.table("requests").as_dicts(), key=lambda row: -Decimal(str(row["total_cost"]))
    )
    console.print(
        table(
            ("Request", "MW", "Point", "Cost", "$/kW"),
            [
                (
                    str(row["request"]),
                    f"{row['net_mw']:,g}",
                    str(row["point"]),
                    str(Money.of(str(row["total_cost"]), currency)),
                    f"{row['cost_per_kw']:,.2f}",
                )
                for row in owed[:ROWS_PRINTED]
            ],
            numbers=("MW", "Cost", "$/kW"),
        )
    )
    found = summary["constraints"]
    requests = summary["requests"]
    console.print(
        f"{requests['count']} requests, {requests['mw']:,.0f} MW, at {requests['points']} points: "
        f"{found['peak-reliability']['found']} reliability and "
        f"{found['peak-deliverability']['found']} deliverability constraints, "
        f"{summary['upgrades']} upgrades, {summary['schemes']} remedial action schemes, "
        f"{Money.of(summary['cost']['total'], currency)} in all."
    )
    check = summary["check"]
    console.print(
        f"Check: {check['overloads_left']} overloads left; the upgraded grid solved from nothing "
        f"{'agrees' if check['flow_agrees'] and check['loading_agrees'] else 'DOES NOT agree'}."
    )
    for note in summary["notes"]:
        console.print(f"Note: {note}")
    console.print(
        f"Assumed ({summary['rulebook']['version']}, {summary['policy']}): emergency ratings "
        f"{summary['emergency_multiplier']:g} times normal where the case gives none; cut-off "
        f"{100 * summary['cut_off']:g}%; DC flows, no voltage, short-circuit or stability check."
    )
