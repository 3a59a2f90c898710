"""`gentie demo`: the service with its demonstration, from one command."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

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


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GENTIE_DATA_DIR",
    default=lambda: Path.home() / ".local" / "share" / "gentie",
    show_default="GENTIE_DATA_DIR, else ~/.local/share/gentie",
    help="The folder where data lives.",
)


@click.command(epilog="Example: gentie demo --port 8080")
@data_option
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--open", "open_browser", is_flag=True, help="Show the start page in your browser.")
@click.option("--no-serve", is_flag=True, help="Prepare only.")
def demo(data: Path, port: int, open_browser: bool, no_serve: bool) -> None:  # noqa: FBT001
    """Prepare the demonstration and serve it at http://127.0.0.1:8000/.

    The first time it studies a cluster of 120 requests on a grid of 10,000 buses; later it starts
    in seconds.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    data = data.resolve()

    def fill() -> None:
        from gentie.demo.filling import fill_demonstration

        with Steps(console) as steps:
            fill_demonstration(data=data, at=datetime.now(UTC), say=steps.say, tell=steps.tell)

    if no_serve:
        service("prepare")(data=data, say=console.print, fill=fill)
        console.print(f"Ready in {data}")
    else:
        service("serve")(
            data=data, say=console.print, port=port, open_browser=open_browser, fill=fill
        )


@click.command(epilog="Example: gentie worker")
@data_option
def worker(data: Path) -> None:
    """Work on the studies that engineers start, until Ctrl-C.

    `gentie demo` brings a worker of its own. Start more of them, or one alone, where the service
    runs in another way; whatever a dead worker left, another one takes up.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    service("work")(data=data.resolve(), say=console.print)


class Steps:
    """One line for each step that has ended, with its seconds; a bar for the one under way."""

    def __init__(self, console: Console) -> None:
        self.console, self.step, self.began = console, "", 0.0
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def tell(self, step: str, done: int, whole: int) -> None:
        """Hear how far the work is."""
        if step != self.step:
            self._end()
            self.step, self.began = step, time.perf_counter()
            self.task = self.progress.add_task(step, total=None)
        self.progress.update(self.task, completed=done, total=whole or None)

    def say(self, sentence: str) -> None:
        """Say a sentence, after the step that it follows."""
        self._end()
        self.console.print(sentence)

    def _end(self) -> None:
        if self.step:
            self.progress.remove_task(self.task)
            self.console.print(f"  {self.step}: {time.perf_counter() - self.began:.1f} s")
        self.step = ""
