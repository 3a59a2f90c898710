"""`gentie operator …`: an installation of one's own, without demonstration data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gentie.cli.case import json_option
from gentie.cli.demo import Steps, data_option, service
from gentie.cli.errors import Failed
from gentie.cli.printing import people, print_json, table


@click.group(epilog="Example: gentie operator init operator.toml")
def operator() -> None:
    """Set up the operator of this installation; show it."""


@operator.command(epilog="Example: gentie operator init operator.toml --data /srv/gentie")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.toml")
@data_option
def init(file: Path, data: Path) -> None:
    """Make an installation from a file: name, rules, clock, owners, grid, first administrator.

    Everything in the file is checked first, and all reasons against it are told at once. The
    administrator's password is said once; a second factor is set up at the first sign-in.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    found: dict[str, Any] = {}
    with Steps(console) as steps:
        service("init_operator")(
            data=data.resolve(),
            file=file,
            at=datetime.now(UTC),
            say=steps.say,
            tell=steps.tell,
            hear=found.update,
        )
        steps.say(f"{found['name']} is set up: {found['points']:,} points have a capacity.")
    for owner in found["owners"]:
        console.print(f"  {owner}")
    console.print("The first administrator signs in with this password; it is not said again:")
    click.echo(f"{found['email']}  {found['password']}")


@operator.command(epilog="Example: gentie operator show --json")
@data_option
@json_option
def show(data: Path, as_json: bool) -> None:  # noqa: FBT001
    """Show what this installation is. Exit 1 where none is set up."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    found: list[dict[str, Any] | None] = []
    service("show_operator")(data=data.resolve(), say=console.print, hear=found.append)
    held = found[0]
    if held is None:
        raise Failed("No operator is set up here: gentie operator init FILE.toml.")
    if as_json:
        print_json(held)
        return
    case = held["case"]
    rows = [
        ("Operator", held["operator"]),
        ("Note", held["note"]),
        ("Demonstration", "yes" if held["is_demonstration"] else "no"),
        ("Rulebook", held["rulebook_version"]),
        ("Time zone", held["time_zone"]),
        ("Windows close at", held["closing_hour"]),
        ("Holidays", f"{len(held['holidays'])} days"),
        ("Currency", held["currency"]),
        *(("Administrator", f"{one['name']}, {one['email']}") for one in held["administrators"]),
        *(("Transmission owner", name) for name in held["owners"]),
        ("Base case", f"{case['name']}, {case['points']:,} points" if case else "none published"),
        ("Grid", ("synthetic" if case["is_synthetic"] else "real") if case else ""),
    ]
    people().print(table(("", "This installation"), [row for row in rows if row[1]]))
