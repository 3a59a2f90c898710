"""`gentie study …`: run a cluster study, and replay one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.capacity import rulebook_option
from gentie.cli.case import json_option
from gentie.cli.errors import Failed
from gentie.cli.printing import people, print_json, table
from gentie.cli.progress import shown_progress
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.money import Money

if TYPE_CHECKING:
    from gentie.workbench.study import Inputs, StudyRun

ROWS_PRINTED = 15


@click.group(epilog="Example: gentie study verify my-study")
def study() -> None:
    """Study a cluster of requests; replay a study and compare."""


@study.command(
    short_help="Study the requests of a file.",
    epilog="Example: gentie study run --case case_ACTIVSg10k --requests requests.csv --out my-study",
)
@click.option("--case", "case_file", required=True, help="MATPOWER case (.m), or a shipped name.")
@click.option(
    "--requests",
    "requests_file",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV: request,bus,technology,mw,mwh,deliverability[,net_mw].",
)
@rulebook_option
@click.option("--policy", help="ras_first or wires_first; by default the rulebook's.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="New folder for the bundle: inputs, rules, results.",
)
@json_option
def run(
    case_file: str,
    requests_file: Path,
    rulebook_name: str,
    policy: str | None,
    out: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find what limits a cluster, what must be built, and what each request pays and why."""
    from gentie.workbench.bundle import refuse_used, write_bundle
    from gentie.workbench.study import run_study

    refuse_used(out)
    inputs = _inputs(case_file, requests_file, rulebook_name, policy)
    with shown_progress() as tell:
        done = run_study(inputs, progress=tell)
    digest = write_bundle(done, out)
    summary = done.results.document("summary")
    if as_json:
        print_json({"bundle": str(out), "bundle_sha256": digest, **summary})
        return
    _print_study(done)
    people().print(
        f"Bundle in {out}, digest {digest[:16]}…; replay it with: gentie study verify {out}"
    )


@study.command(
    short_help="Replay a study and compare.", epilog="Example: gentie study verify my-study"
)
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def verify(folder: Path, as_json: bool) -> None:  # noqa: FBT001
    """Check every digest of a bundle, run the study again, and say whether it is identical."""
    from gentie.workbench.bundle import verify_bundle

    with shown_progress() as tell:
        verdict = verify_bundle(folder, progress=tell)
    if as_json:
        print_json(
            {
                "verdict": verdict.sentence,
                "is_identical": verdict.is_identical,
                "equal_within": verdict.equal_within,
                "differences": [finding.as_dict() for finding in verdict.differences],
                "notes": list(verdict.notes),
            }
        )
    else:
        console = people()
        for finding in verdict.differences:
            console.print(finding.sentence)
        for note in verdict.notes:
            console.print(note)
        console.print(f"{folder}: {verdict.sentence}")
    if not verdict.is_verified:
        raise Failed(f"{folder} is not the study that was made: {verdict.sentence}.")


def _inputs(case_file: str, requests_file: Path, rulebook_name: str, policy: str | None) -> Inputs:
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.cases import read_case
    from gentie.workbench.publication import study_rules
    from gentie.workbench.study import Inputs

    rulebook = load_rulebook(rulebook_name)
    study_rules(rulebook, policy)
    try:
        content = requests_file.read_bytes()
    except OSError as cause:
        raise BadInput(
            Finding(
                "cli.requests.unreadable",
                f"--requests: {requests_file} cannot be read: {cause.strerror}.",
            )
        ) from cause
    case = read_case(case_file)
    return Inputs(
        case=case,
        requests_content=content,
        requests_name=requests_file.name,
        rulebook=rulebook,
        profile=load_grid_profile(case.name),
        policy=policy or "",
    )


def _print_study(done: StudyRun) -> None:
    """The study on one screen: what limits, what it costs, what was assumed."""
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
