"""`gentie study restudy` and `gentie study diff`: a study with other requests, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gentie.cli.case import json_option
from gentie.cli.printing import people, print_json, table
from gentie.cli.progress import shown_progress
from gentie.cli.study_screen import print_study
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.money import Money

if TYPE_CHECKING:
    from gentie.formats.requests import Request
    from gentie.workbench.diff import StudyDiff
    from gentie.workbench.restudy import Changes
    from gentie.workbench.study import Inputs


@click.command(
    short_help="Study again with other requests.",
    epilog="Example: gentie study restudy my-study --withdraw Q017,Q080 --resize Q001=233 "
    "--out without",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--withdraw", multiple=True, metavar="Q1,Q2", help="Requests that leave.")
@click.option("--resize", multiple=True, metavar="Q3=MW", help="New net MW of requests.")
@click.option("--move", multiple=True, metavar="Q4=BUS", help="New bus of requests.")
@click.option(
    "--add",
    "added",
    multiple=True,
    type=click.Path(path_type=Path),
    help="CSV with requests that join.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="New folder for the bundle."
)
@json_option
def restudy(
    folder: Path,
    withdraw: tuple[str, ...],
    resize: tuple[str, ...],
    move: tuple[str, ...],
    added: tuple[Path, ...],
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Study the requests of a bundle again after withdrawals, other sizes, moves or additions.

    The result is that of a full rerun with the changed requests, to the cent, and a bundle of its
    own. A withdrawal can raise the cost of those that stay.
    """
    from gentie.workbench.bundle import refuse_used, write_bundle
    from gentie.workbench.diff import diff_of
    from gentie.workbench.restudy import restudy as restudied
    from gentie.workbench.study_tables import sound_inputs_of, tables_in, tables_of

    refuse_used(out)
    inputs = sound_inputs_of(folder)
    changes = _changes(inputs, withdraw, resize, move, added)
    before = tables_in(folder)
    with shown_progress() as tell:
        done = restudied(inputs, changes, progress=tell)
    digest = write_bundle(done, out)
    compared = diff_of(before, tables_of(done, out.name))
    if as_json:
        print_json(
            {
                "bundle": str(out),
                "bundle_sha256": digest,
                **done.results.document("summary"),
                "diff": compared.as_dict(),
            }
        )
        return
    print_study(done)
    console = people()
    console.print(_total(compared))
    console.print(
        f"Bundle in {out}, digest {digest[:16]}…; see what changed for whom with: "
        f"gentie study diff {folder} {out}"
    )


@click.command(
    short_help="What changed between two studies.",
    epilog="Example: gentie study diff my-study without",
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
def diff(old: Path, new: Path, *, as_json: bool) -> None:
    """Say for every request and upgrade what changed from one bundle to another, and why."""
    from gentie.workbench.diff import diff_of
    from gentie.workbench.study_tables import tables_in

    compared = diff_of(tables_in(old), tables_in(new))
    if as_json:
        print_json(compared.as_dict())
        return
    console = people()
    if compared.is_same:
        console.print("Nothing changed: the same requests, upgrades and costs.")
        return
    console.print(
        table(
            ("Request", "", "Before", "After", "Change"),
            [
                (
                    change.request,
                    change.what,
                    _money(change.before, compared.currency),
                    _money(change.after, compared.currency),
                    _money((change.after or 0) - (change.before or 0), compared.currency),
                )
                for change in compared.requests
            ],
            numbers=("Before", "After", "Change"),
        )
    )
    for title, changes in (("Requests", compared.requests), ("Upgrades", compared.upgrades)):
        if changes:
            console.print(f"{title}:")
        for change in changes:
            console.print(f"- {change.sentence}")
    console.print(_total(compared))
    for note in compared.notes:
        console.print(f"Note: {note}")


def _money(amount: Any, currency: str) -> str:
    return "" if amount is None else str(Money.of(amount, currency)).replace("$-", "-$")


def _total(compared: StudyDiff) -> str:
    after, before = (Money(one, compared.currency) for one in (compared.after, compared.before))
    return (
        f"In all {after} instead of {before}; changed: {len(compared.requests)} requests and "
        f"{len(compared.upgrades)} upgrades."
    )


# What is asked for


def _changes(
    inputs: Inputs,
    withdraw: Sequence[str],
    resize: Sequence[str],
    move: Sequence[str],
    added: Sequence[Path],
) -> Changes:
    """The changes of the options; every one that cannot be read is named."""
    from gentie.workbench.restudy import Changes, changed_inputs

    reasons: list[Finding] = []
    leaving = tuple(name for text in withdraw for name in _names(text))
    sizes = _pairs("--resize", resize, float, "MW, as in Q3=150", reasons)
    buses = _pairs("--move", move, int, "the number of a bus, as in Q4=2301", reasons)
    joining = [request for path in added for request in _read(path, inputs, reasons)]
    if not (withdraw or resize or move or added):
        reasons.append(
            Finding(
                "restudy.unchanged",
                "Nothing is to change; say what with --withdraw, --resize, --move or --add.",
            )
        )
    changes = Changes(withdraw=leaving, resize_mw=sizes, move=buses, add=tuple(joining))
    try:
        changed_inputs(inputs, changes)
    except BadInput as bad:
        reasons += bad.findings
    if reasons:
        raise BadInput(reasons)
    return changes


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pairs(
    option: str,
    texts: Sequence[str],
    kind: Callable[[str], Any],
    what: str,
    reasons: list[Finding],
) -> dict[str, Any]:
    """What stands behind each name."""
    found: dict[str, Any] = {}
    for pair in (pair for text in texts for pair in _names(text)):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            read = kind(value)
        except ValueError:
            reasons.append(
                Finding(
                    "restudy.option",
                    f"{option}: {pair!r} cannot be read; write a request, = and {what}.",
                )
            )
            continue
        if name in found:
            reasons.append(
                Finding(
                    "restudy.request.twice",
                    f"{option}: {name} is named more than once; name it once.",
                )
            )
        found[name] = read
    return found


def _read(path: Path, inputs: Inputs, reasons: list[Finding]) -> tuple[Request, ...]:
    from gentie.formats.requests import read_requests

    try:
        return read_requests(path.read_bytes(), path.name, inputs.case.network)
    except OSError as cause:
        reasons.append(
            Finding("cli.requests.unreadable", f"--add: {path} cannot be read: {cause.strerror}.")
        )
    except BadInput as bad:
        reasons += bad.findings
    return ()
