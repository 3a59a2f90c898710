"""`gentie demo`: the service with its demonstration, from one command."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import click
from rich.console import Console

from gentie.quantities.findings import BadInput, Finding


def service(name: str) -> Callable[..., None]:
    """A function of the service, found through its entry point.

    The command line sits beside the portal and below the project that wires both: it may not
    import it (decision 0002).

    Raises:
        BadInput: the service is not installed.
    """
    for entry in entry_points(group="gentie.service", name=name):
        try:
            found: Callable[..., None] = entry.load()
        except ModuleNotFoundError as missing:
            raise BadInput(
                Finding(
                    code="cli.service.missing",
                    sentence=(
                        f"The service is not installed ({missing.name} is missing): "
                        "pip install 'gentie[portal]'."
                    ),
                )
            ) from missing
        return found
    raise BadInput(
        Finding(
            code="cli.service.missing",
            sentence="gentie is not installed as a package here: pip install 'gentie[portal]'.",
        )
    )


@click.command(epilog="Example: gentie demo --port 8080")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GENTIE_DATA_DIR",
    default=lambda: Path.home() / ".local" / "share" / "gentie",
    show_default="GENTIE_DATA_DIR, else ~/.local/share/gentie",
    help="The folder where data lives.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--open", "open_browser", is_flag=True, help="Show the start page in your browser.")
@click.option("--no-serve", is_flag=True, help="Prepare only.")
def demo(data: Path, port: int, open_browser: bool, no_serve: bool) -> None:  # noqa: FBT001
    """Prepare the demonstration and serve it at http://127.0.0.1:8000/."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    data = data.resolve()
    if no_serve:
        service("prepare")(data=data, say=console.print)
        console.print(f"Ready in {data}")
    else:
        service("serve")(data=data, say=console.print, port=port, open_browser=open_browser)
