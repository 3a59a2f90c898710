"""`gentie backup` and `gentie restore`: everything of an installation in one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gentie.cli.demo import data_option, service


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


@click.command(epilog="Example: gentie backup gentie-2026-12-02.zip")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def backup(file: Path, data: Path) -> None:
    """Write database, documents, studies and keys into FILE; the service may run meanwhile.

    FILE holds everything that the installation knows, passwords' marks and keys included: keep it
    as you keep the data folder, and on another machine. Note its last digest of the audit.
    """
    found: dict[str, Any] = {}
    service("backup")(
        data=data.resolve(),
        file=file,
        at=datetime.now(UTC),
        say=_console().print,
        hear=found.update,
    )
    click.echo(
        f"{file}: {found['rows']:,} rows, {found['files']:,} files, "
        f"{found['size_bytes'] / 1e6:,.1f} MB"
    )
    click.echo(f"The audit has {found['entries']:,} entries, last digest {found['digest']}")


@click.command(epilog="Example: gentie restore gentie-2026-12-02.zip --data /srv/gentie")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def restore(file: Path, data: Path) -> None:
    """Bring a backup back into an empty data folder, and prove that it is whole.

    Every digest is checked before anything is written, and the audit's chain afterwards.
    """
    found: dict[str, Any] = {}
    service("restore")(data=data.resolve(), file=file, say=_console().print, hear=found.update)
    click.echo(f"Restored: {found['rows']:,} rows, {found['files']:,} files")
    click.echo(
        f"The audit holds: {found['entries']:,} entries, last digest {found['digest'] or 'none'}"
    )
