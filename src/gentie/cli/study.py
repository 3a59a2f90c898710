"""`gentie study …`: run a cluster study, replay it, change it, and ask how sure its costs are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.capacity import rulebook_option
from gentie.cli.case import json_option
from gentie.cli.certainty import certainty
from gentie.cli.errors import Failed
from gentie.cli.printing import people, print_json
from gentie.cli.progress import shown_progress
from gentie.cli.restudy import diff, restudy
from gentie.cli.study_screen import print_study
from gentie.quantities.findings import BadInput, Finding

if TYPE_CHECKING:
    from gentie.workbench.study import Inputs


@click.group(epilog="Example: gentie study verify my-study")
def study() -> None:
    """Study a cluster of requests; replay a study, change it, compare two."""


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
    print_study(done)
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


for command in (restudy, diff, certainty):
    study.add_command(command)
