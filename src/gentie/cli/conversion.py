"""`gentie case convert`: a case in another format, and what that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.printing import people, print_json, table
from gentie.cli.writing import write_bytes

if TYPE_CHECKING:
    from gentie.workbench.conversion import Conversion


@click.command(
    short_help="Write a case in another format.",
    epilog="Example: gentie case convert grid.raw --to cgmes --out grid.zip",
)
@click.argument("file")
@click.option(
    "--to",
    "target",
    type=click.Choice(["matpower", "cgmes", "powermodels"]),
    required=True,
    help="The format wanted.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def convert(file: str, target: str, out: Path, as_json: bool) -> None:  # noqa: FBT001
    """Write a case in another format, read it back, and list what is not as it was.

    CGMES is of version 2.4.15 (.zip) and needs the extra gentie[exchange].
    """
    from gentie.workbench.cases import read_case
    from gentie.workbench.conversion import Target, convert_case

    found = read_case(file)
    conversion = convert_case(found, Target(target))
    write_bytes(out, conversion.content)
    if as_json:
        print_json({"case": found.name, "file": str(out), **conversion.as_dict()})
        return
    _print(conversion, found.name, out)


def _print(conversion: Conversion, name: str, out: Path) -> None:
    console = people()
    console.print(f"{name} is written as {conversion.target} to {out}.")
    if conversion.voltage_pu is not None and conversion.angle_deg is not None:
        console.print(
            f"AC power flow before and after: voltages within {conversion.voltage_pu:.6f} pu, angles "
            f"within {conversion.angle_deg:.4f} degrees, losses {conversion.losses_mw:+.3f} MW."
        )
    elif not conversion.flow_before and not conversion.flow_after:
        console.print("The AC power flow has no solution, neither before nor after.")
    if conversion.differences:
        rows = [(finding.sentence,) for finding in conversion.differences]
        console.print(table(("What is not as it was",), rows))
    else:
        console.print("Nothing that is compared has changed.")
