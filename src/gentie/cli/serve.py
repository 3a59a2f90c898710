"""`gentie serve`: the service as it stands, without a demonstration."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from gentie.cli.demo import data_option, service


@click.command(epilog="Example: gentie serve --port 8080")
@data_option
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--open", "open_browser", is_flag=True, help="Show the start page in your browser.")
def serve(data: Path, port: int, open_browser: bool) -> None:  # noqa: FBT001
    """Serve what is in the data folder at http://127.0.0.1:8000/; nothing is filled in."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    service("serve")(data=data.resolve(), say=console.print, port=port, open_browser=open_browser)
