"""`gentie audit …`: whether the log of what was done still stands as it was written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from gentie.cli.case import json_option
from gentie.cli.demo import data_option, service
from gentie.cli.errors import Failed
from gentie.cli.printing import print_json


@click.group(epilog="Example: gentie audit verify")
def audit() -> None:
    """Check the append-only log of what was done."""


@audit.command(epilog="Example: gentie audit verify --json")
@data_option
@json_option
def verify(data: Path, as_json: bool) -> None:  # noqa: FBT001
    """Follow the chain of digests from the first entry to the last; exit 1 where it is broken.

    Keep the last digest elsewhere: entries cut off at the end leave a shorter chain that holds.
    """
    found: dict[str, object] = {}

    def hear(
        *, entries: int, digest: str, at: datetime | None, broken_at: int, reason: str
    ) -> None:
        found.update(
            holds=not reason,
            entries=entries,
            last_digest=digest,
            last_at=at.isoformat() if at else None,
            broken_at=broken_at or None,
            reason=reason,
        )

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    service("verify_audit")(data=data.resolve(), say=console.print, hear=hear)
    if as_json:
        print_json(found)
    if not found["holds"]:
        raise Failed(f"The audit does not hold: {found['reason']}.")
    if not as_json:
        click.echo(
            f"The audit holds: {found['entries']} entries, last digest {found['last_digest']}"
        )
